"""Plans put to the calendar: reminders, hours, time-outs, cut-offs."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.plan import OFFICE_HOURS, Calendar, CutOff, Plan, PlanStep
from notifier.rules.calendar import JAPAN, japan_date
from notifier.rules.open_days import is_open
from notifier.rules.plan import (
    Planned,
    counts_from,
    earliest,
    in_hours,
    next_reminder,
    owed,
    receive_by,
    reminders,
    time_out,
)

USUAL = Calendar(is_open=is_open, hours=OFFICE_HOURS)
PLAN = Plan(
    name="charge",
    notice="reregistration_deadline",
    steps=(PlanStep("before_7", 7), PlanStep("before_3", 3), PlanStep("before_1", 1)),
    wait=5,
    over="passed",
)
FIFTH = CutOff(received_by=15, counts_from=5)
DAYS = st.dates(date(2020, 1, 1), date(2029, 12, 31))
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2029, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
AUGUST = date(2025, 8, 14)


def _plan(*days: int) -> Plan:
    steps = tuple(PlanStep(f"before_{n}", n) for n in sorted(days, reverse=True))
    return Plan(name="p", notice="n", steps=steps)


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2025, 8, day, hour, minute, tzinfo=JAPAN)


def test_reminders_of_the_incident() -> None:
    assert [(p.day.day, p.step) for p in reminders(PLAN, AUGUST, is_open)] == [
        (7, "before_7"),
        (8, "before_3"),  # the 11th is a holiday
        (13, "before_1"),
    ]


def test_of_two_that_fall_together_the_firmer_wins() -> None:
    [only] = reminders(_plan(3, 1), date(2025, 8, 12), is_open)
    assert (only.day, only.step) == (date(2025, 8, 8), "before_1")


def test_closures_of_the_association_count() -> None:
    closed = {date(2025, 8, 13), date(2025, 8, 14), date(2025, 8, 15)}  # Obon
    found = reminders(PLAN, AUGUST, lambda day: is_open(day) and day not in closed)
    assert found[-1].day == date(2025, 8, 12)


def test_a_leap_day_counts_like_every_other() -> None:
    week = ((date(2028, 3, 3), [25, 29, 2]), (date(2028, 2, 29), [22, 25, 28]))
    for deadline, days in week:
        assert [p.day.day for p in reminders(PLAN, deadline, is_open)] == days


def test_of_twenty_closed_days_the_last_call_comes_before_them() -> None:
    def moving(day: date) -> bool:
        return is_open(day) and not date(2025, 9, 1) <= day <= date(2025, 9, 20)

    deadline = date(2025, 9, 14)  # a Sunday, in the middle
    assert [(p.day, p.step) for p in reminders(PLAN, deadline, moving)] == [
        (date(2025, 8, 29), "before_1")
    ]
    assert next_reminder(PLAN, deadline, date(2025, 8, 29), date(2025, 8, 30), moving) is None
    assert time_out(PLAN, deadline, date(2025, 9, 15), moving) == date(2025, 9, 22)
    closed = Calendar(is_open=moving, hours=OFFICE_HOURS)
    night = datetime(2025, 8, 29, 19, tzinfo=JAPAN)
    assert earliest(night, closed) == datetime(2025, 9, 22, 9, tzinfo=JAPAN)


def test_a_deadline_on_a_closed_day_stays_and_its_reminders_move() -> None:
    monday = date(2025, 8, 11)  # a holiday
    found = [(p.day.day, p.step) for p in reminders(PLAN, monday, is_open)]
    assert found == [(4, "before_7"), (8, "before_1")]
    assert owed(PLAN, monday, date(2025, 8, 7), date(2025, 8, 8), is_open) == found_on(8)
    assert next_reminder(PLAN, monday, date(2025, 8, 8), date(2025, 8, 9), is_open) is None


def found_on(day: int) -> Planned:
    return Planned(date(2025, 8, day), "before_1")


def test_midnight_in_japan_is_another_day() -> None:
    for second, day in ((-1, 6), (0, 7)):  # 15:00 UTC
        moment = datetime(2025, 8, 6, 15, tzinfo=UTC) + timedelta(seconds=second)
        assert japan_date(moment) == date(2025, 8, day)
        assert earliest(moment, USUAL) == _at(7, 9)
        assert earliest(moment, USUAL, after=date(2025, 8, 6)) == _at(7, 9)


@given(DAYS, st.sets(st.integers(1, 30), min_size=1, max_size=5))
def test_reminders_are_on_open_days_before_the_deadline(deadline: date, before: set[int]) -> None:
    found = reminders(_plan(*before), deadline, is_open)
    assert all(is_open(p.day) and p.day < deadline for p in found)
    assert len({p.day for p in found}) == len(found)
    assert found[-1].step == f"before_{min(before)}"


@pytest.mark.parametrize(
    ("told_on", "today", "step"),
    [
        (None, date(2025, 8, 6), None),
        (None, date(2025, 8, 8), "before_3"),  # only the firmest of what was missed
        (date(2025, 8, 7), date(2025, 8, 8), "before_3"),
        (date(2025, 8, 8), date(2025, 8, 12), None),
        (date(2025, 8, 8), date(2025, 8, 14), "before_1"),  # late, and still in time
        (date(2025, 8, 8), date(2025, 8, 15), None),
        (date(2025, 8, 13), date(2025, 8, 14), None),  # a first notice on the eve is enough
    ],
)
def test_what_is_owed(told_on: date | None, today: date, step: str | None) -> None:
    found = owed(PLAN, AUGUST, told_on, today, is_open)
    assert (found and found.step) == step


@given(DAYS, DAYS, st.none() | DAYS)
def test_the_next_reminder_is_owed_on_its_day(
    deadline: date, not_before: date, told_on: date | None
) -> None:
    day = next_reminder(PLAN, deadline, told_on, not_before, is_open)
    if day is None:
        late = [p for p in reminders(PLAN, deadline, is_open) if not told_on or p.day > told_on]
        assert not late or not_before > deadline - timedelta(days=40)
    else:
        assert is_open(day)
        assert not_before <= day <= deadline
        assert owed(PLAN, deadline, told_on, day, is_open)


def test_an_outcome_is_waited_for() -> None:
    assert time_out(PLAN, AUGUST, date(2025, 8, 15), is_open) == date(2025, 8, 20)
    assert time_out(PLAN, AUGUST, date(2025, 8, 18), is_open) == date(2025, 8, 25)  # a Saturday
    assert time_out(_plan(60), date(2025, 8, 31), None, is_open) == date(2025, 9, 1)


@pytest.mark.parametrize(
    ("now", "after", "moment"),
    [
        (_at(6, 10), None, _at(6, 10)),
        (_at(6, 8, 59), None, _at(6, 9)),
        (_at(6, 19), None, _at(7, 9)),
        (_at(8, 22), None, _at(12, 9)),  # Friday night; Monday is a holiday
        (_at(9, 12), None, _at(12, 9)),
        (_at(6, 10), date(2025, 8, 6), _at(7, 9)),  # something has been said today
        (_at(6, 10), date(2025, 8, 7), _at(8, 9)),
        (_at(6, 10), date(2025, 8, 5), _at(6, 10)),
    ],
)
def test_the_first_moment_for_a_message(
    now: datetime, after: date | None, moment: datetime
) -> None:
    assert earliest(now.astimezone(UTC), USUAL, after=after) == moment


@given(MOMENTS, st.none() | DAYS)
def test_messages_go_out_in_hours(now: datetime, after: date | None) -> None:
    moment = earliest(now, USUAL, after=after)
    assert moment >= now
    assert in_hours(moment, USUAL)
    assert after is None or japan_date(moment) > after


def test_at_any_time_nothing_waits_but_for_another_day() -> None:
    always = Calendar(is_open=is_open, hours=None)
    assert earliest(_at(9, 3), always) == _at(9, 3)
    assert earliest(_at(9, 3), always, after=date(2025, 8, 9)) == _at(10, 0)


@pytest.mark.parametrize(
    ("received", "rule", "day"),
    [
        (date(2025, 9, 15), FIFTH, date(2025, 10, 5)),
        (date(2025, 9, 16), FIFTH, date(2025, 11, 5)),
        (date(2025, 12, 15), FIFTH, date(2026, 1, 5)),
        (date(2025, 12, 16), FIFTH, date(2026, 2, 5)),
        (date(2026, 1, 31), CutOff(31, 31), date(2026, 2, 28)),
        (date(2024, 1, 31), CutOff(31, 30), date(2024, 2, 29)),
        (date(2025, 6, 20), CutOff(20, 1, 2), date(2025, 8, 1)),
    ],
)
def test_from_when_a_form_counts(received: date, rule: CutOff, day: date) -> None:
    assert counts_from(received, rule) == day


def test_the_last_day_moves_to_an_open_one() -> None:
    assert receive_by(date(2025, 10, 5), FIFTH, is_open) == date(2025, 9, 12)  # the 15th: 敬老の日
    assert receive_by(date(2025, 12, 1), FIFTH, is_open) == date(2025, 10, 15)


@given(DAYS, st.integers(1, 31), st.integers(1, 31), st.integers(1, 3))
def test_the_last_day_is_in_time_and_the_day_after_is_late(
    effective: date, by: int, since: int, months: int
) -> None:
    rule = CutOff(by, since, months)
    last = receive_by(effective, rule, lambda _: True)
    assert counts_from(last, rule) <= effective < counts_from(last + timedelta(days=1), rule)


def test_opening_hours_end_before_the_minute() -> None:
    assert (OFFICE_HOURS.opens, OFFICE_HOURS.closes) == (time(9), time(19))
    assert in_hours(_at(6, 18, 59), USUAL)
    assert not in_hours(_at(6, 19), USUAL)
