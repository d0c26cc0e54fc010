"""The tick of the clock: cases that have something to say today."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.decide.calendar import japan_date, next_reminder, reminder_days
from notifier.decide.closures import is_open
from notifier.decide.rules.outcomes import hold_task
from notifier.model.actor import Actor
from notifier.model.decision import Hold, Send
from notifier.model.member import Member
from notifier.model.notice import Lane
from notifier.store import cases, members, messages, tasks

from .changes import REMINDER
from .creation import message_row
from .situations import House
from .spoken import remind

_LIMIT = 500


async def tick(
    conn: AsyncConnection, house: House, *, actor: Actor, now: datetime
) -> tuple[int, set[Lane]]:
    """Make the reminders that are due, for one set of cases; how many cases were looked at."""
    today = japan_date(now)
    due = await cases.due(conn, today, _LIMIT)
    if not due:
        return 0, set()
    blocked = await messages.cases_with_held(conn, [r["case_id"] for r in due])
    people = await members.by_id(conn, [r["member_id"] for r in due])
    days = house.notices[REMINDER].days_before
    plans = {r["case_id"]: reminder_days(r["deadline"], days, is_open) for r in due}
    speaking = [
        (r, remind(cases.record(r), _step(plans[r["case_id"]], today), _of(people, r), house, now))
        for r in due
        if r["case_id"] not in blocked
        and today <= r["deadline"]
        and min(plans[r["case_id"]], default=today) <= today  # the plan may have changed since
        and plans[r["case_id"]]
    ]
    await _store(conn, speaking, people, house, actor=actor, now=now)
    await cases.set_next(
        conn, [(case_id, next_reminder(plan, today)) for case_id, plan in plans.items()]
    )
    return len(due), {house.notices[REMINDER].lane} if speaking else set()


def _of(people: Mapping[int, Member], found: RowMapping) -> Member:
    return people[found["member_id"]]


def _step(plan: Mapping[date, int], today: date) -> str:
    """The step that is due: after days without a tick only the firmest is said."""
    return f"before_{plan[max(day for day in plan if day <= today)]}"


async def _store(
    conn: AsyncConnection,
    speaking: Sequence[tuple[RowMapping, Send | Hold]],
    people: Mapping[int, Member],
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    rows = [
        message_row(
            outcome.draft,
            house.notices[REMINDER],
            case_id=found["case_id"],
            member_id=found["member_id"],
            language=_of(people, found).language,
            held=outcome.reason if isinstance(outcome, Hold) else None,
            now=now,
        )
        for found, outcome in speaking
    ]
    await messages.insert(conn, rows, actor=actor, now=now)
    holds = [hold_task(o) for _, o in speaking if isinstance(o, Hold)]
    await tasks.raise_all(conn, holds, actor=actor, now=now)
