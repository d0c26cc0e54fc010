"""Mailings: one message to each member of a cohort about one matter.

What is to be told comes as typed facts, is held against itself and the record before anything is
made, and is written once for trial: what no letter could say is refused here, not one by one when
letters are collected.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.mailing import Mailed, check_mailing, mail
from notifier.app.rule_context import RuleContext as House
from notifier.delivery.editions import Editions
from notifier.intake.cohort_file import CohortLine
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError
from notifier.model.mailing import Mailing
from notifier.rendering.writer import Writer
from notifier.rules.calendar import JAPAN, japan_date

from .trial import trial_errors


async def create(
    engine: AsyncEngine,
    acceptor: Acceptor,
    writer: Writer,
    mailing: Mailing,
    cohort: Sequence[CohortLine],
    *,
    actor: Actor,
    now: datetime,
    again: bool = False,
    with_left: bool = False,
) -> Mailed:
    """Make a mailing's messages: all of them, or none and :class:`BadInput` says why.

    The same name again adds only members who do not have it yet; with other facts it is refused.
    ``again``: also members whom something else has told of the same matter. ``with_left``: also
    members who have left.
    """
    in_force = await Editions(engine, writer).present()
    async with engine.begin() as conn:
        house = await acceptor.house(conn)
        errors = check_mailing(mailing, house, now) or await _trial(in_force, mailing, house, now)
        if errors:
            raise BadInput(errors)
        return await mail(
            conn,
            mailing,
            [(one.member_no, one.line) for one in cohort],
            house,
            actor=actor,
            now=now,
            again=again,
            with_left=with_left,
        )


async def _trial(writer: Writer, mailing: Mailing, house: House, now: datetime) -> list[FieldError]:
    """The mailing to a fictional reader: what keeps it from being written keeps all from it."""
    scheme = house.schemes[mailing.scheme]
    brand = scheme.brand_on(japan_date(now))
    assert brand is not None
    sample = writer.sample(mailing.notice, mailing.step)
    letter = replace(
        sample,
        brand=brand,
        scheme_name=scheme.name,
        group_no=scheme.group_no,
        written_at=now.astimezone(JAPAN),
        facts=mailing.facts,
    )
    return await trial_errors(writer, letter, mailing.channel)
