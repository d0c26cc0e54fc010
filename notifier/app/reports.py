"""Reports: a formal letter to an organisation that is no member, such as an incident report.

It goes the way of all letters, from a draft through all checks into a batch for the press. Its
reader stands beside its case; its name makes it one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.new_messages import message_row
from notifier.app.rule_context import RuleContext as House
from notifier.delivery.compose import recipient_of
from notifier.delivery.editions import Editions
from notifier.intake.report_file import ReportLetter
from notifier.model.actor import Actor
from notifier.model.correspondence import Correspondence
from notifier.model.errors import BadInput, FieldError
from notifier.model.message import Draft, public_number
from notifier.model.states import Channel
from notifier.rendering.fact_errors import fact_errors
from notifier.rendering.labels import DEFAULT_LANGUAGE
from notifier.rendering.writer import Writer
from notifier.rules.calendar import JAPAN, business_day, end_of, japan_date
from notifier.store import messages, recipients

from .trial import trial_errors

#: Reports are the house's own; they stand beside the sources of billing.
SOURCE: Final = "report"
NOTICE: Final = "incident_report"
STEP: Final = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report on record."""

    message_id: int
    made: bool  # False: it had been made before


async def create(
    engine: AsyncEngine,
    acceptor: Acceptor,
    writer: Writer,
    letter: ReportLetter,
    *,
    actor: Actor,
    now: datetime,
) -> Reported:
    """Make a report's letter, or find the one of the same name, which must say the same.

    Raises :class:`BadInput` naming each field that is wrong, or that no letter could say.
    """
    in_force = await Editions(engine, writer).present()
    async with engine.begin() as conn:
        house = await acceptor.house(conn)
        if errors := await _errors(in_force, letter, house, now):
            raise BadInput(errors)
        case_id = await recipients.open_case(
            conn,
            letter.recipient,
            source=SOURCE,
            matter=letter.name,
            scheme=letter.scheme,
            actor=actor,
            now=now,
        )
        if case_id is None:
            return await _known(conn, letter)
        made = await messages.insert(
            conn, [_row(letter, house, case_id, now)], actor=actor, now=now
        )
        return Reported(message_id=made[0], made=True)


async def _errors(
    writer: Writer, letter: ReportLetter, house: House, now: datetime
) -> list[FieldError]:
    scheme, today = house.schemes.get(letter.scheme), japan_date(now)
    errors = fact_errors(house.notices[NOTICE], STEP, letter.facts, today)
    if scheme is None:
        errors.append(FieldError("scheme", "unknown_scheme", {"value": letter.scheme}))
    elif (brand := scheme.brand_on(today)) is None:
        errors.append(FieldError("scheme", "no_brand"))
    elif not errors:
        trial = Correspondence(
            number=public_number(0),
            notice=NOTICE,
            step=STEP,
            language=DEFAULT_LANGUAGE,
            written_at=now.astimezone(JAPAN),
            recipient=letter.recipient,
            scheme_name=scheme.name,
            group_no=scheme.group_no,
            policies=(),
            brand=brand,
            facts=letter.facts,
            scheme=letter.scheme,
        )
        errors += [_about_reader(e) for e in await trial_errors(writer, trial, Channel.LETTER)]
    return errors


def _about_reader(error: FieldError) -> FieldError:
    """The field of the file that a field of the reader came from."""
    name = error.field.removeprefix("recipient.").removeprefix("address.")
    if name == error.field:
        return error
    return FieldError(f"to.{name}", error.code, error.params)


def _row(letter: ReportLetter, house: House, case_id: int, now: datetime) -> dict[str, Any]:
    notice = house.notices[NOTICE]
    draft = Draft(
        notice=NOTICE,
        step=STEP,
        scheme=letter.scheme,
        channel=Channel.LETTER,
        facts=letter.facts,
        matter=letter.name,
    )
    row = message_row(
        draft,
        notice,
        case_id=case_id,
        member_id=None,
        language=DEFAULT_LANGUAGE,
        held=None,
        now=now,
    )
    is_open = house.closures.of(letter.scheme)
    collected = end_of(business_day(now, house.press.cut_off, is_open))
    return {**row, "expires_at": max(row["expires_at"], collected)}


async def _known(conn: AsyncConnection, letter: ReportLetter) -> Reported:
    found = await recipients.report(conn, SOURCE, letter.name)
    assert found is not None
    if differs := _differing(letter, found):
        raise BadInput([FieldError("name", "name_taken", {"value": ", ".join(differs)})])
    return Reported(message_id=found.message_id, made=False)


def _differing(letter: ReportLetter, found: recipients.Report) -> list[str]:
    """In what a report differs from the one of its name on record."""
    then: Mapping[str, Any] = orjson.loads(found.facts)
    differs = [] if letter.scheme == found.scheme else ["scheme"]
    differs += [] if letter.recipient == recipient_of(found.contact) else ["to"]
    names = sorted(letter.facts.keys() | then.keys())
    return differs + [f"facts.{n}" for n in names if letter.facts.get(n) != then.get(n)]
