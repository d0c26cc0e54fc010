"""Plans put to the calendar: on which days a case speaks, and when a message may go out. Pure.

``calendar.is_open`` says which days are open, the association's own closure days included.
"""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from notifier.model.plan import Calendar, CutOff, Plan
from notifier.rules.calendar import JAPAN, japan_date

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Planned:
    """A step on the day on which it is due."""

    day: date
    step: str


def reminders(plan: Plan, deadline: date, is_open: Callable[[date], bool]) -> tuple[Planned, ...]:
    """The reminders before a deadline, in the order of their days.

    A closed day moves to the previous open one. Of two that fall together the firmer wins.
    """
    found: dict[date, str] = {}
    for one in plan.steps:
        day = deadline - one.days_before * _DAY
        while not is_open(day):
            day -= _DAY
        found[day] = one.step
    return tuple(Planned(day, found[day]) for day in sorted(found))


def owed(
    plan: Plan, deadline: date, told_on: date | None, today: date, is_open: Callable[[date], bool]
) -> Planned | None:
    """What is to be said today at the latest: the firmest that became due after ``told_on``.

    ``told_on`` is the day up to which the case has spoken; None: it has said nothing yet. After
    the deadline no reminder is owed.
    """
    if today > deadline:
        return None
    due = [
        p
        for p in reminders(plan, deadline, is_open)
        if p.day <= today and (told_on is None or p.day > told_on)
    ]
    return due[-1] if due else None


def next_reminder(
    plan: Plan,
    deadline: date,
    told_on: date | None,
    not_before: date,
    is_open: Callable[[date], bool],
) -> date | None:
    """The day on which the next reminder is said, from ``not_before`` on; None: there is none.

    One that was due earlier and could not be said is said on the first open day, if the deadline
    is not over by then.
    """
    days = [p.day for p in reminders(plan, deadline, is_open) if told_on is None or p.day > told_on]
    if not days:
        return None
    day = first_open(max(min(days), not_before), is_open)
    return day if day <= deadline else None


def time_out(
    plan: Plan, deadline: date, recharge_on: date | None, is_open: Callable[[date], bool]
) -> date:
    """The open day on which a case ends that has had no outcome."""
    if plan.wait is None:
        return first_open(deadline + _DAY, is_open)
    return first_open((recharge_on or deadline) + max(plan.wait, 1) * _DAY, is_open)


def ahead(
    plan: Plan,
    *,
    deadline: date,
    recharge_on: date | None,
    reminds: bool,
    told_on: date | None,
    not_before: date,
    is_open: Callable[[date], bool],
) -> tuple[Planned, ...]:
    """All that a case will still say if nothing happens, and last the day on which it ends.

    The last one has the step of the end; it is empty where nothing is said.
    """
    found: list[Planned] = []
    day = next_reminder(plan, deadline, told_on, not_before, is_open) if reminds else None
    while day is not None and (one := owed(plan, deadline, told_on, day, is_open)):
        found.append(Planned(day, one.step))
        told_on, not_before = day, day + _DAY
        day = next_reminder(plan, deadline, told_on, not_before, is_open)
    end = first_open(max(time_out(plan, deadline, recharge_on, is_open), not_before), is_open)
    return (*found, Planned(end, plan.over or "" if reminds else ""))


def first_open(day: date, is_open: Callable[[date], bool]) -> date:
    """The day itself or the next open one."""
    while not is_open(day):
        day += _DAY
    return day


def last_open(day: date, is_open: Callable[[date], bool]) -> date:
    """The day itself or the previous open one."""
    while not is_open(day):
        day -= _DAY
    return day


def opening(day: date, calendar: Calendar) -> datetime:
    """The moment of a day from which messages go out."""
    return datetime.combine(day, calendar.hours.opens if calendar.hours else time(), JAPAN)


def in_hours(now: datetime, calendar: Calendar) -> bool:
    """Whether messages go out at an aware moment."""
    if calendar.hours is None:
        return True
    here = now.astimezone(JAPAN)
    return calendar.hours.opens <= here.time() < calendar.hours.closes and calendar.is_open(
        here.date()
    )


def earliest(now: datetime, calendar: Calendar, *, after: date | None = None) -> datetime:
    """The first moment from ``now`` on at which a message may go out, on a day after ``after``."""
    late = after is not None and japan_date(now) <= after
    if not late and in_hours(now, calendar):
        return now
    here = now.astimezone(JAPAN)
    day = here.date()
    if late and after is not None:
        day = after + _DAY
    elif calendar.hours and here.time() >= calendar.hours.closes:
        day += _DAY
    if calendar.hours:
        day = first_open(day, calendar.is_open)
    return opening(day, calendar)


def counts_from(received_on: date, rule: CutOff) -> date:
    """The day from which a form counts that was received on a day."""
    by = _day_of(received_on.year, received_on.month, rule.received_by)
    later = rule.months + (received_on > by)
    return _of_month(received_on, later, rule.counts_from)


def receive_by(effective: date, rule: CutOff, is_open: Callable[[date], bool]) -> date:
    """The last open day on which a form is in time to count by ``effective``."""
    month = -rule.months
    while _of_month(effective, month + rule.months, rule.counts_from) > effective:
        month -= 1
    return last_open(_of_month(effective, month, rule.received_by), is_open)


def _of_month(day: date, months: int, wanted: int) -> date:
    years, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return _day_of(years, month + 1, wanted)


def _day_of(year: int, month: int, wanted: int) -> date:
    return date(year, month, min(wanted, monthrange(year, month)[1]))
