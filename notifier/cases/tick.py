"""The tick of the clock: cases that have something to say, or that had no outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.decision import CaseKind, Hold
from notifier.model.member import Member
from notifier.model.notice import Lane, plan_of
from notifier.model.plan import Plan
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord
from notifier.model.task import TaskDraft, TaskKind
from notifier.rules.calendar import japan_date
from notifier.rules.plan import earliest, in_hours, owed, time_out
from notifier.rules.rules.outcomes import hold_task
from notifier.store import cases, coalescing, history, members, messages, tasks
from notifier.store.cases import Advance

from .changes import next_due
from .creation import message_row
from .reminders import Group, Message, Said, group_of, messages_of, reminded
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
    group: Group  # what is said in one message with it
    spoken: date | None  # the latest day of a message of it
    blocked: bool  # something in it is held: what comes after must not overtake that


async def tick(
    conn: AsyncConnection, house: House, *, actor: Actor, now: datetime
) -> tuple[int, set[Lane]]:
    """Say what is due, for one set of cases; how many cases were looked at."""
    found = await cases.due(conn, now, _LIMIT)
    if not found:
        return 0, set()
    due = await _known(conn, found, house, now)
    people = await members.by_id(conn, [r.case.member_id for r in found])
    looked = _one_a_day(due, [_look(one, house, now) for one in due], house, now)
    said = [
        Said(
            case=one.case,
            plan=one.plan,
            step=step,
            outcome=say(one.case, one.plan, step, people[one.case.member_id], house, now),
        )
        for one, (step, _) in zip(due, looked, strict=True)
        if step is not None
    ]
    made = messages_of(said, house)
    await _store(conn, made, people, house, actor=actor, now=now)
    await cases.advance(conn, [a for _, a in looked], actor=actor, now=now)
    missing = [_missing(d) for d, (_, a) in zip(due, looked, strict=True) if _unanswered(d, a)]
    await tasks.raise_all(conn, missing, actor=actor, now=now)
    return len(found), {house.notices[m.outcome.draft.notice].lane for m in made}


async def _known(
    conn: AsyncConnection, found: Sequence[cases.DueCase], house: House, now: datetime
) -> list[_Due]:
    ids, today = [r.case.case_id for r in found], japan_date(now)
    blocked = await history.cases_with_held(conn, ids)
    spoken = await history.spoken(conn, ids)
    planned = [
        (case, plan_of(house.notices, case.plan), case.deadline, r.is_one_of_several)
        for r in found
        if (case := r.case).plan is not None and case.deadline is not None
    ]
    asked = [(case, plan) for case, plan, _, several in planned if several]
    heard = await reminded(conn, asked, today)
    due = []
    for case, plan, deadline, _ in planned:
        group, own = group_of(case, plan, house), spoken.get(case.case_id)
        due.append(
            _Due(
                case=case,
                plan=plan,
                deadline=deadline,
                group=group,
                spoken=max(own or today, today) if group in heard else own,
                blocked=case.case_id in blocked,
            )
        )
    return due


_Looked = tuple[str | None, Advance]  # what a case says now, if anything, and how it goes on


def _one_a_day(
    due: Sequence[_Due], looked: Sequence[_Looked], house: House, now: datetime
) -> list[_Looked]:
    """That a case is over is said on another day than reminders of the same member."""
    both = list(zip(due, looked, strict=True))
    reminds = {one.group for one, (step, _) in both if step is not None and step != one.plan.over}
    return [
        _look(replace(one, spoken=japan_date(now)), house, now)
        if step is not None and step == one.plan.over and one.group in reminds
        else (step, advance)
        for one, (step, advance) in both
    ]


def _look(due: _Due, house: House, now: datetime) -> _Looked:
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


def _at_the_end(due: _Due) -> _Looked:
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
    made: Sequence[Message],
    people: Mapping[int, Member],
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    rows = [
        message_row(
            m.outcome.draft,
            house.notices[m.outcome.draft.notice],
            case_id=m.case.case_id,
            member_id=m.case.member_id,
            language=people[m.case.member_id].language,
            held=m.outcome.reason if isinstance(m.outcome, Hold) else None,
            now=now,
        )
        for m in made
    ]
    ids = await messages.insert(conn, rows, actor=actor, now=now)
    told = [(i, case.case_id, case.generation) for n, i in ids.items() for case in made[n].others]
    await coalescing.add_cases(conn, told)
    holds = [
        hold_task(outcome, message_id)
        for n, message_id in ids.items()
        if isinstance(outcome := made[n].outcome, Hold)
    ]
    await tasks.raise_all(conn, holds, actor=actor, now=now)
    known = [m for n, m in enumerate(made) if n not in ids]  # a day of the plan came twice
    if left := [rest for m in known if (rest := m.without_first())]:
        await _store(conn, left, people, house, actor=actor, now=now)
