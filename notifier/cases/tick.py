"""The tick of the clock: cases that have something to say today."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.decide.calendar import japan_date, next_reminder, reminder_days
from notifier.decide.channel import choose
from notifier.decide.closures import is_open
from notifier.decide.guard import check_due
from notifier.decide.rules.outcomes import hold_task, weigh
from notifier.model.actor import Actor
from notifier.model.decision import Hold, Send
from notifier.model.member import Member
from notifier.model.message import Draft
from notifier.model.money import AmountRole, ChargeAmounts, ChargeLine, LineKind, shown
from notifier.model.notice import Lane
from notifier.model.situation import CaseRecord, Situation
from notifier.model.task import TaskDraft
from notifier.store import cases, members, messages, tasks

from .changes import REMINDER
from .creation import message_row
from .situations import House

_LIMIT = 500


async def tick(
    conn: AsyncConnection, house: House, *, actor: Actor, now: datetime
) -> tuple[int, set[Lane]]:
    """Make the reminders that are due, for one set of cases; how many cases were looked at."""
    today = japan_date(now)
    due = await cases.due(conn, today, _LIMIT)
    if not due:
        return 0, set()
    ids = [r["case_id"] for r in due]
    blocked = await messages.cases_with_held(conn, ids)
    people = await members.by_id(conn, [r["member_id"] for r in due])
    days = house.notices[REMINDER].days_before
    plans = {r["case_id"]: reminder_days(r["deadline"], days, is_open) for r in due}
    speaking = [
        (r, _step(plans[r["case_id"]], today))
        for r in due
        if r["case_id"] not in blocked and today <= r["deadline"]
    ]
    made = [_reminder(r, step, people[r["member_id"]], house, now) for r, step in speaking]
    await _store(conn, speaking, made, people, house, actor=actor, now=now)
    await cases.set_next(
        conn, [(case_id, next_reminder(plan, today)) for case_id, plan in plans.items()]
    )
    return len(due), {house.notices[REMINDER].lane} if made else set()


def _step(plan: dict[date, int], today: date) -> str:
    """The step that is due: after days without a tick only the firmest is said."""
    return f"before_{plan[max(day for day in plan if day <= today)]}"


def _reminder(
    found: RowMapping, step: str, member: Member, house: House, now: datetime
) -> Send | Hold:
    case = cases.record(found)
    facts = dict(case.facts or {})
    amounts = _amounts(facts)
    situation = _situation(case, member, house, now)
    letter = Draft(
        notice=REMINDER,
        step=step,
        scheme=case.scheme,
        matter=case.matter,
        channel=choose(member, house.notices[REMINDER]),
        generation=case.generation,
        facts=_fields(facts, house, step),
        shown=shown(AmountRole.DUE, amounts),
        useful_until=case.deadline,
    )
    scheme = house.schemes[case.scheme]
    day = date.fromisoformat(facts["charged_on"])
    return weigh(situation, letter, check_due(scheme, day, amounts))


def _situation(case: CaseRecord, member: Member, house: House, now: datetime) -> Situation:
    return Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=house.schemes[case.scheme],
        notices=house.notices,
        cases=(case,),
    )


def _amounts(facts: dict[str, Any]) -> ChargeAmounts:
    """The amounts of a case as lines, so that the guard sees them once more."""
    lines = (
        ChargeLine(kind=LineKind.PREMIUM, amount=facts["premium"]),
        ChargeLine(kind=LineKind.OPERATING_FEE, amount=facts["other_fees"]),
    )
    return ChargeAmounts(lines=lines, total=facts["total"])


def _fields(facts: dict[str, Any], house: House, step: str) -> dict[str, Any]:
    wanted = {f.name for f in house.notices[REMINDER].fields_for(step)}
    return {name: value for name, value in facts.items() if name in wanted and value is not None}


async def _store(
    conn: AsyncConnection,
    speaking: Sequence[tuple[RowMapping, str]],
    made: Sequence[Send | Hold],
    people: dict[int, Member],
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    rows: list[dict[str, Any]] = []
    holds: list[TaskDraft] = []
    for (found, _), outcome in zip(speaking, made, strict=True):
        held = outcome.reason if isinstance(outcome, Hold) else None
        rows.append(
            message_row(
                outcome.draft,
                house.notices[REMINDER],
                case_id=found["case_id"],
                member_id=found["member_id"],
                language=people[found["member_id"]].language,
                held=held,
                now=now,
            )
        )
        if isinstance(outcome, Hold):
            holds.append(hold_task(outcome))
    await messages.insert(conn, rows, actor=actor, now=now)
    await tasks.raise_all(conn, holds, actor=actor, now=now)
