"""Mailings: one letter to each member of a cohort file about one matter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.decide.calendar import japan_date
from notifier.decide.plan import earliest
from notifier.decide.rules.outcomes import hold_task, weigh
from notifier.model.actor import Actor
from notifier.model.decision import CaseKind, Hold, Send
from notifier.model.errors import BadInput, FieldError
from notifier.model.member import Member
from notifier.model.message import Draft
from notifier.model.reasons import Reason
from notifier.model.situation import Situation
from notifier.model.states import Channel
from notifier.store import cases, history, members, messages, tasks

from .creation import message_row
from .situations import House

#: Mailings are the house's own; they stand beside the sources of billing.
SOURCE = "mailing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    """What is said to a cohort. Its name makes it one: the same name twice adds nothing."""

    name: str
    scheme: str
    notice: str
    step: str
    channel: Channel
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailed:
    """What a mailing came to."""

    made: int
    held: int
    known: int  # had it already


async def mail(
    conn: AsyncConnection,
    mailing: Mailing,
    cohort: Sequence[tuple[str, int]],
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> Mailed:
    """Create the messages of a mailing to a cohort of (member number, line in its file).

    Raises :class:`BadInput` naming each line whose member is unknown; then nothing is made.
    """
    people = await members.by_number(conn, sorted({no for no, _ in cohort}), lock=True)
    _check(mailing, cohort, people, house)
    ordered = [people[no] for no, _ in cohort]
    given = [_case(mailing, member, now) for member in ordered]
    ids = await cases.save(conn, given, actor=actor, now=now)
    weighed = [_weigh(mailing, member, house, now) for member in ordered]
    rows = [
        message_row(
            outcome.draft,
            house.notices[mailing.notice],
            case_id=ids[n],
            member_id=member.member_id,
            language=member.language,
            held=outcome.reason if isinstance(outcome, Hold) else None,
            now=now,
        )
        for n, (member, outcome) in enumerate(zip(ordered, weighed, strict=True))
    ]
    said = await history.said_before(conn, rows)
    known = {n for n, before in said.items() if before.message_id}
    fresh = [n for n in range(len(rows)) if n not in known]
    made = await messages.insert(conn, [rows[n] for n in fresh], actor=actor, now=now)
    holds = [
        hold_task(outcome, message_id)
        for at, message_id in made.items()
        if isinstance(outcome := weighed[fresh[at]], Hold)
    ]
    await tasks.raise_all(conn, holds, actor=actor, now=now)
    return Mailed(made=len(fresh), held=len(holds), known=len(known))


def _check(
    mailing: Mailing,
    cohort: Sequence[tuple[str, int]],
    people: Mapping[str, Member],
    house: House,
) -> None:
    errors = [
        FieldError("member_no", "unknown_member", {"value": no}, line=line)
        for no, line in cohort
        if no not in people
    ]
    if mailing.scheme not in house.schemes:
        errors.append(FieldError("scheme", "unknown_scheme", {"value": mailing.scheme}))
    notice = house.notices[mailing.notice]
    wanted = {f.name for f in notice.fields_for(mailing.step) if not f.optional}
    known = {f.name for f in notice.fields_for(mailing.step)}
    errors += [FieldError(f"facts.{f}", "missing") for f in sorted(wanted - mailing.facts.keys())]
    errors += [FieldError(f"facts.{f}", "unknown") for f in sorted(mailing.facts.keys() - known)]
    if errors:
        raise BadInput(errors)


def _case(mailing: Mailing, member: Member, now: datetime) -> dict[str, Any]:
    return {
        "kind": CaseKind.MAILING,
        "source": SOURCE,
        "matter": mailing.name,
        "member_id": member.member_id,
        "scheme": mailing.scheme,
        "state": "closed",  # it says one thing and runs nothing
        "generation": 1,
        "occurred_at": now,
        "facts": {},
        "reason": Reason.OPENED,
    }


def _weigh(mailing: Mailing, member: Member, house: House, now: datetime) -> Send | Hold:
    by_post = mailing.channel is Channel.LETTER
    reachable = member.address is not None if by_post else bool(member.email)
    situation = Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=house.schemes[mailing.scheme],
        notices=house.notices,
        calendar=house.calendar(mailing.scheme),
        earliest=earliest(now, house.calendar(mailing.scheme)),
    )
    draft = Draft(
        notice=mailing.notice,
        step=mailing.step,
        scheme=mailing.scheme,
        matter=mailing.name,
        channel=mailing.channel if reachable else None,
        facts=mailing.facts,
        not_before=situation.not_before(mailing.notice, mailing.step),
    )
    return weigh(situation, draft)
