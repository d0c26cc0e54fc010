"""The tick of the clock: cases that have something to say, or that had no outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.decide.calendar import japan_date
from notifier.decide.plan import earliest, in_hours, owed, time_out
from notifier.decide.rules.outcomes import hold_task
from notifier.model.actor import Actor
from notifier.model.decision import CaseKind, Hold, Send
from notifier.model.member import Member
from notifier.model.notice import Lane, plan_of
from notifier.model.plan import Plan
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import cases, history, members, messages, tasks
from notifier.store.cases import Advance

from .changes import next_due
from .creation import message_row
from .situations import House
from .spoken import say

_LIMIT = 500
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A case that is due, and what the record says besides."""

    case: CaseRecord
    plan: Plan
    deadline: date
    spoken: date | None  # the latest day of a message of it
    blocked: bool  # something in it is held: what comes after must not overtake that


async def tick(
    conn: AsyncConnection, house: House, *, actor: Actor, now: datetime
) -> tuple[int, set[Lane]]:
    """Say what is due, for one set of cases; how many cases were looked at."""
    found = [cases.record(r) for r in await cases.due(conn, now, _LIMIT)]
    if not found:
        return 0, set()
    ids = [case.case_id for case in found]
    blocked = await history.cases_with_held(conn, ids)
    spoken = await history.spoken(conn, ids)
    people = await members.by_id(conn, [case.member_id for case in found])
    due = [
        _Due(
            case=case,
            plan=plan_of(house.notices, case.plan),
            deadline=case.deadline,
            spoken=spoken.get(case.case_id),
            blocked=case.case_id in blocked,
        )
        for case in found
        if case.plan is not None and case.deadline is not None
    ]
    steps = [_look(one, house, now) for one in due]
    said = [
        (one.case, say(one.case, one.plan, step, people[one.case.member_id], house, now))
        for one, (step, _) in zip(due, steps, strict=True)
        if step is not None
    ]
    await _store(conn, said, people, house, actor=actor, now=now)
    await cases.advance(conn, [a for _, a in steps], actor=actor, now=now)
    missing = [_missing(one) for one, (_, a) in zip(due, steps, strict=True) if _unanswered(one, a)]
    await tasks.raise_all(conn, missing, actor=actor, now=now)
    return len(found), {house.notices[o.draft.notice].lane for _, o in said}


def _look(due: _Due, house: House, now: datetime) -> tuple[str | None, Advance]:
    """What a case says now, if anything, and how it goes on. Pure."""
    today, case, calendar = japan_date(now), due.case, house.calendar(due.case.scheme)
    if not in_hours(now, calendar) or not calendar.is_open(today):
        again = earliest(now, calendar, after=None if calendar.hours else today)
        return None, Advance(case_id=case.case_id, told_on=case.told_on, next_due_at=again)
    if today >= time_out(due.plan, due.deadline, case.recharge_on, calendar.is_open):
        if due.spoken is None or due.spoken < today:
            return _at_the_end(due)
        again = earliest(now, calendar, after=due.spoken)
        return None, Advance(case_id=case.case_id, told_on=case.told_on, next_due_at=again)
    step, told_on, found = None, case.told_on, None
    if case.reminds:
        found = owed(due.plan, due.deadline, told_on, today, calendar.is_open)
    if found is not None and due.blocked:
        told_on = today
    elif found is not None and (due.spoken is None or due.spoken < today):
        step, told_on = found.step, today
    again = next_due(
        due.plan,
        deadline=due.deadline,
        recharge_on=case.recharge_on,
        reminds=case.reminds,
        told_on=told_on,
        not_before=max(today, due.spoken or today) + _DAY,
        calendar=calendar,
    )
    return step, Advance(case_id=case.case_id, told_on=told_on, next_due_at=again)


def _at_the_end(due: _Due) -> tuple[str | None, Advance]:
    """No outcome has come. Somebody who gave a working card is not told that none was given."""
    case, waited = due.case, due.plan.wait is not None
    speaks = case.reminds and not due.blocked
    reason = Reason.TIMED_OUT if waited else Reason.ENDED
    return due.plan.over if speaks else None, Advance(
        case_id=case.case_id, told_on=case.told_on, ended=reason
    )


def _unanswered(due: _Due, advance: Advance) -> bool:
    return advance.ended is Reason.TIMED_OUT and due.case.kind is CaseKind.CHARGE


def _missing(due: _Due) -> TaskDraft:
    case = due.case
    details = {"charge_id": case.matter, "scheme": case.scheme}
    return TaskDraft(kind=TaskKind.OUTCOME_MISSING, key=case.matter, details=details)


async def _store(
    conn: AsyncConnection,
    said: Sequence[tuple[CaseRecord, Send | Hold]],
    people: Mapping[int, Member],
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    rows = [
        message_row(
            outcome.draft,
            house.notices[outcome.draft.notice],
            case_id=case.case_id,
            member_id=case.member_id,
            language=people[case.member_id].language,
            held=outcome.reason if isinstance(outcome, Hold) else None,
            now=now,
        )
        for case, outcome in said
    ]
    await messages.insert(conn, rows, actor=actor, now=now)
    holds = [hold_task(o) for _, o in said if isinstance(o, Hold)]
    await tasks.raise_all(conn, holds, actor=actor, now=now)
