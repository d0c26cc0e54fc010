"""Days: what is open, when reminders are due."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rules.calendar import JAPAN, business_day, end_of, japan_date
from notifier.rules.open_days import is_open


@pytest.mark.parametrize(
    ("day", "opened"),
    [
        (date(2025, 8, 8), True),  # Friday
        (date(2025, 8, 9), False),  # Saturday
        (date(2025, 8, 11), False),  # 山の日
        (date(2025, 12, 30), True),
        (date(2025, 12, 31), False),
        (date(2026, 1, 2), False),
        (date(2026, 1, 5), True),
        (date(2026, 5, 6), False),  # 振替休日
    ],
)
def test_open_days(day: date, opened: bool) -> None:
    assert is_open(day) is opened


def test_the_day_in_japan() -> None:
    assert japan_date(datetime(2025, 7, 14, 15, 0, tzinfo=UTC)) == date(2025, 7, 15)
    assert end_of(date(2025, 7, 15)) - datetime(2025, 7, 15, 15, 0, tzinfo=UTC) == timedelta()


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2025-07-16T14:59:59", date(2025, 7, 16)),
        ("2025-07-16T15:00:00", date(2025, 7, 17)),  # the cut-off itself is too late
        ("2025-07-18T15:00:00", date(2025, 7, 22)),  # Friday; Monday is 海の日
        ("2025-07-19T09:00:00", date(2025, 7, 22)),
        ("2025-12-30T14:00:00", date(2025, 12, 30)),
        ("2025-12-30T16:00:00", date(2026, 1, 5)),  # banks, then a weekend
    ],
)
def test_business_days(moment: str, day: date) -> None:
    here = datetime.fromisoformat(f"{moment}+09:00")
    assert business_day(here, time(15), is_open) == day
    assert business_day(here.astimezone(UTC), time(15), is_open) == day


@given(st.dates(date(2020, 1, 1), date(2029, 12, 1)), st.times(), st.times())
def test_a_business_day_is_the_first_open_one_that_is_left(
    today: date, clock: time, cut_off: time
) -> None:
    moment = datetime.combine(today, clock, JAPAN)
    day = business_day(moment, cut_off, is_open)
    assert is_open(day)
    assert day >= moment.date()
    assert (day > moment.date()) or moment.time() < cut_off
    first = moment.date() if moment.time() < cut_off else moment.date() + timedelta(days=1)
    skipped = [first + timedelta(days=n) for n in range((day - first).days)]
    assert not any(is_open(d) for d in skipped)
