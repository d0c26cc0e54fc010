"""Mailings: one letter to each member of a cohort file about one matter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.new_messages import message_row
from notifier.app.rule_context import RuleContext
from notifier.model.actor import Actor
from notifier.model.decision import CaseKind, Hold, Send
from notifier.model.errors import BadInput, FieldError
from notifier.model.mailing import Mailing
from notifier.model.member import Member, MemberStatus
from notifier.model.message import Draft, public_number
from notifier.model.reasons import Reason
from notifier.model.situation import Situation
from notifier.rendering.fact_errors import fact_errors
from notifier.rules.calendar import japan_date
from notifier.rules.facts import (
    amounts_of,
    errors_within,
    unguarded,
)
from notifier.rules.plan import earliest
from notifier.rules.rules.outcomes import hold_task, reaches
from notifier.store import cases, history, members, messages, tasks

from .planned_notices import Record, record_of, weigh_facts

#: Mailings are the context's own; they stand beside the sources of billing.
SOURCE = "mailing"
#: The day by which a matter is known: two mailings about it have it in common.
_MATTER_DAYS: Final = ("charged_on", "occurred_on")


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
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
    again: bool = False,
    with_left: bool = False,
) -> Mailed:
    """Create the messages of a mailing to a cohort of (member number, line in its file).

    ``again``: also to members whom another message has told of the same matter. ``with_left``:
    also to members who have left. Raises :class:`BadInput` naming each field, and each line whose
    member cannot get it; then nothing is made.
    """
    if errors := check_mailing(mailing, context, now):
        raise BadInput(errors)
    people = await members.by_number(conn, sorted({no for no, _ in cohort}), lock=True)
    await _check(conn, mailing, cohort, people, again=again, with_left=with_left)
    ordered = [people[no] for no, _ in cohort]
    record = await _record(conn, mailing, ordered, context)
    given = [_case(mailing, member, now) for member in ordered]
    ids = await cases.save(conn, given, actor=actor, now=now)
    weighed = [_weigh(mailing, member, context, record, now) for member in ordered]
    rows = [
        message_row(
            outcome.draft,
            context.notices[mailing.notice],
            case_id=ids[n],
            member_id=member.member_id,
            language=member.language,
            held=outcome.reason if isinstance(outcome, Hold) else None,
            now=now,
        )
        for n, (member, outcome) in enumerate(zip(ordered, weighed, strict=True))
    ]
    return await _store(conn, rows, weighed, actor=actor, now=now)


async def _store(
    conn: AsyncConnection,
    rows: Sequence[Mapping[str, Any]],
    weighed: Sequence[Send | Hold],
    *,
    actor: Actor,
    now: datetime,
) -> Mailed:
    """Store the messages of those who had it not yet, and the tasks of those that are held."""
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


def check_mailing(mailing: Mailing, context: RuleContext, now: datetime) -> list[FieldError]:
    """What is wrong with a mailing whoever its readers are."""
    notice = context.notices.get(mailing.notice)
    if notice is None:
        return [FieldError("notice", "unknown_notice", {"value": mailing.notice})]
    scheme, today = context.schemes.get(mailing.scheme), japan_date(now)
    errors: list[FieldError] = []
    if scheme is None:
        errors.append(FieldError("scheme", "unknown_scheme", {"value": mailing.scheme}))
    elif scheme.brand_on(today) is None:
        errors.append(FieldError("scheme", "no_brand"))
    if mailing.step not in notice.steps:
        allowed = {"allowed": ", ".join(notice.steps)}
        return [*errors, FieldError("step", "not_one_of", allowed)]
    specs = notice.fields_for(mailing.step)
    errors += [FieldError(f"facts.{name}", "no_role") for name in unguarded(specs)]
    errors += (wrong := fact_errors(notice, mailing.step, mailing.facts, today))
    return errors if wrong else errors + errors_within(amounts_of(specs, mailing.facts))


async def _check(
    conn: AsyncConnection,
    mailing: Mailing,
    cohort: Sequence[tuple[str, int]],
    people: Mapping[str, Member],
    *,
    again: bool,
    with_left: bool,
) -> None:
    before = await history.told_in_mailing(conn, mailing.name)
    if before is not None and (differs := _differing(mailing, before)):
        raise BadInput([FieldError("name", "name_taken", {"value": ", ".join(differs)})])
    errors = [
        FieldError("member_no", code, {"value": no}, line=line)
        for no, line in cohort
        if (code := _unfit(people.get(no), mailing.scheme, with_left=with_left))
    ]
    if not errors and not again:
        told = await _told_elsewhere(conn, mailing, people)
        errors = [
            FieldError("member_no", "has_it_already", {"number": public_number(found)}, line=line)
            for no, line in cohort
            if (found := told.get(people[no].member_id))
        ]
    if errors:
        raise BadInput(errors)


def _differing(mailing: Mailing, before: Mapping[str, Any]) -> list[str]:
    """In what a mailing differs from the one of its name on record."""
    found = [
        name for name in ("scheme", "notice", "step") if before[name] != getattr(mailing, name)
    ]
    facts, then = dict(mailing.facts), before["facts"]
    names = sorted(facts.keys() | then.keys())
    return found + [f"facts.{name}" for name in names if facts.get(name) != then.get(name)]


def _unfit(member: Member | None, scheme: str, *, with_left: bool) -> str | None:
    """Why a member cannot be in a cohort about a scheme."""
    if member is None:
        return "unknown_member"
    if member.status is MemberStatus.LEFT:
        return None if with_left else "member_left"
    if all(e.scheme != scheme for e in member.enrolments):
        return "not_enrolled"
    return None


async def _told_elsewhere(
    conn: AsyncConnection, mailing: Mailing, people: Mapping[str, Member]
) -> Mapping[int, int]:
    """Member id → a message that tells of the same matter and is none of this mailing."""
    day = next((name for name in _MATTER_DAYS if mailing.facts.get(name)), None)
    if day is None:
        return {}
    return await history.same_matter(
        conn,
        [m.member_id for m in people.values()],
        scheme=mailing.scheme,
        notice=mailing.notice,
        step=mailing.step,
        day=(day, mailing.facts[day]),
        but=mailing.name,
    )


async def _record(
    conn: AsyncConnection, mailing: Mailing, people: Sequence[Member], context: RuleContext
) -> Record:
    specs = context.notices[mailing.notice].fields_for(mailing.step)
    amounts = amounts_of(specs, mailing.facts)
    return await record_of(conn, amounts, mailing.scheme, [m.member_id for m in people])


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


def _weigh(
    mailing: Mailing, member: Member, context: RuleContext, record: Record, now: datetime
) -> Send | Hold:
    reachable = reaches(member, mailing.channel)
    situation = Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=context.schemes[mailing.scheme],
        notices=context.notices,
        calendar=context.calendar(mailing.scheme),
        earliest=earliest(now, context.calendar(mailing.scheme)),
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
    return weigh_facts(situation, draft, record)
