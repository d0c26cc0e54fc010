"""Reminders: cases that have something to say by themselves, or that had no outcome."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.new_messages import message_row
from notifier.app.rule_context import RuleContext
from notifier.model.actor import Actor
from notifier.model.decision import Hold
from notifier.model.member import Member
from notifier.model.notice import Lane, plan_of
from notifier.model.plan import Plan
from notifier.model.situation import CaseRecord
from notifier.model.task import TaskDraft, TaskKind
from notifier.rules.calendar import japan_date
from notifier.rules.reminders import (
    DueCase,
    Group,
    PlannedMessage,
    PlannedNotice,
    group_of,
    is_unanswered,
    messages_of,
    one_a_day,
    step_today,
)
from notifier.rules.rules.outcomes import hold_task
from notifier.store import cases, coalescing, history, members, messages, tasks
from notifier.store.isolation import Isolation
from notifier.store.put_off import Sweep

from .planned_notices import say

_LIMIT: Final = 500  # cases by which members are found


async def tick(
    conn: AsyncConnection, context: RuleContext, *, actor: Actor, now: datetime
) -> tuple[int, set[Lane]]:
    """Say what is due, for one set of cases; how many cases were looked at."""
    found = await cases.due(conn, now, _LIMIT)
    lanes: set[Lane] = set()

    async def work(members: Sequence[_Rows]) -> None:
        lanes.update(await _say_due(conn, [*chain(*members)], context, actor=actor, now=now))

    isolation = Isolation(sweep=Sweep.CASE, actor=actor, now=now)
    await isolation.each(
        conn, _by_member(found), work, ids=_ids, parts=lambda one: [(r,) for r in one]
    )
    return len(found), lanes


_Rows = Sequence[cases.DueCase]  # of cases of one member, which may be told of in one message


def _by_member(found: Iterable[cases.DueCase]) -> list[_Rows]:
    by_member: dict[int, list[cases.DueCase]] = {}
    for r in found:
        by_member.setdefault(r.case.member_id, []).append(r)
    return [*by_member.values()]


def _ids(found: _Rows) -> list[int]:
    return [r.case.case_id for r in found]


async def _say_due(
    conn: AsyncConnection, found: _Rows, context: RuleContext, *, actor: Actor, now: datetime
) -> set[Lane]:
    due = await _known(conn, found, context, now)
    people = await members.by_id(conn, [r.case.member_id for r in found])
    looked = one_a_day(due, [step_today(one, now) for one in due], now)
    planned = [
        PlannedNotice(
            case=one.case,
            plan=one.plan,
            step=step,
            outcome=say(one.case, one.plan, step, people[one.case.member_id], context, now),
        )
        for one, (step, _) in zip(due, looked, strict=True)
        if step is not None
    ]
    made = messages_of(planned, context.notices)
    await _store(conn, made, people, context, actor=actor, now=now)
    await cases.advance(conn, [a for _, a in looked], actor=actor, now=now)
    missing = [_missing(d) for d, (_, a) in zip(due, looked, strict=True) if is_unanswered(d, a)]
    await tasks.raise_all(conn, missing, actor=actor, now=now)
    return {context.notices[m.outcome.draft.notice].lane for m in made}


async def _known(
    conn: AsyncConnection, found: _Rows, context: RuleContext, now: datetime
) -> list[DueCase]:
    ids, today = [r.case.case_id for r in found], japan_date(now)
    blocked = await history.cases_with_held(conn, ids)
    notified = await history.spoken(conn, ids)
    planned = [(*_planned(r.case, context), r.is_one_of_several) for r in found]
    asked = [(case, plan) for case, plan, _, several in planned if several]
    reminded = await _reminded(conn, asked, today)
    due = []
    for case, plan, deadline, _ in planned:
        group, own = group_of(case, plan, context.notices), notified.get(case.case_id)
        due.append(
            DueCase(
                case=case,
                plan=plan,
                deadline=deadline,
                group=group,
                last_notified_on=max(own or today, today) if group in reminded else own,
                calendar=context.calendar(case.scheme),
                blocked=case.case_id in blocked,
            )
        )
    return due


def _planned(case: CaseRecord, context: RuleContext) -> tuple[CaseRecord, Plan, date]:
    """A case with its plan and deadline. Raises LookupError for one that lacks either."""
    if case.plan is None or case.deadline is None:
        raise LookupError("a case that is due has a plan and a deadline")
    return case, plan_of(context.notices, case.plan), case.deadline


async def _reminded(
    conn: AsyncConnection, asked: Sequence[tuple[CaseRecord, Plan]], today: date
) -> set[Group]:
    """Groups of these cases of which something is said today already."""
    if not asked:
        return set()
    ids = sorted({case.member_id for case, _ in asked})
    notices = sorted({plan.notice for _, plan in asked})
    found = await coalescing.planned_notices(conn, ids, notices, today)
    return {(r.member_id, r.source, r.scheme, r.notice) for r in found}


def _missing(due: DueCase) -> TaskDraft:
    case = due.case
    details = {"charge_id": case.matter, "scheme": case.scheme}
    return TaskDraft(kind=TaskKind.OUTCOME_MISSING, key=case.matter, details=details)


async def _store(
    conn: AsyncConnection,
    made: Sequence[PlannedMessage],
    people: Mapping[int, Member],
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    rows = [
        message_row(
            m.outcome.draft,
            context.notices[m.outcome.draft.notice],
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
        await _store(conn, left, people, context, actor=actor, now=now)
