"""When a letter arrives: never on a closed day, never earlier than each step of its way."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.closure import Closure
from notifier.model.member import PostalAddress
from notifier.model.press import Press
from notifier.postal.transit import days, regions
from notifier.rules.calendar import JAPAN, japan_date
from notifier.rules.open_days import NO_CLOSURES, Closures, arrival, business_days_later, is_open

PRESS = Press()
OBON = Closures((Closure(first=date(2025, 8, 13), last=date(2025, 8, 15), name="夏季休業"),))
NEAR = PostalAddress(postcode="1000001", prefecture="東京都", city="千代田区", street="1-1")
FAR = PostalAddress(postcode="5300001", prefecture="大阪府", city="大阪市北区", street="1-1")

moments = st.datetimes(
    datetime(2022, 1, 1),  # noqa: DTZ001 (the zone is given beside it)
    datetime(2030, 12, 31),  # noqa: DTZ001
    timezones=st.just(JAPAN),
)
presses = st.builds(
    Press,
    cut_off=st.times().map(lambda t: t.replace(microsecond=0)),
    hand_over_days=st.integers(0, 5),
    prefecture=st.sampled_from(sorted(regions())),
)
closed = st.lists(
    st.builds(
        lambda first, length: Closure(first=first, last=first + timedelta(days=length)),
        st.dates(date(2022, 1, 1), date(2030, 12, 31)),
        st.integers(0, 9),
    ),
    max_size=5,
).map(lambda own: Closures(tuple(own)))
addresses = st.builds(
    PostalAddress,
    postcode=st.just("1000001"),
    prefecture=st.sampled_from(sorted(regions())),
    city=st.sampled_from(["青葉市", "石垣市", "小笠原村"]),
    street=st.just("1-1"),
)


@pytest.mark.parametrize(
    ("moment", "to", "closures", "expected"),
    [
        # Wednesday morning: collected on that day, posted on Thursday, two days, no Saturday.
        ((2025, 7, 16, 10, 0), NEAR, NO_CLOSURES, date(2025, 7, 22)),
        ((2025, 7, 15, 14, 59), NEAR, NO_CLOSURES, date(2025, 7, 18)),
        ((2025, 7, 15, 15, 0), NEAR, NO_CLOSURES, date(2025, 7, 22)),  # 7/21 is a holiday
        ((2025, 7, 15, 10, 0), FAR, NO_CLOSURES, date(2025, 7, 22)),
        ((2025, 8, 12, 16, 0), NEAR, NO_CLOSURES, date(2025, 8, 18)),
        ((2025, 8, 12, 16, 0), NEAR, OBON, date(2025, 8, 21)),
        ((2025, 12, 29, 16, 0), NEAR, NO_CLOSURES, date(2026, 1, 7)),
    ],
)
def test_examples(
    moment: tuple[int, int, int, int, int], to: PostalAddress, closures: Closures, expected: date
) -> None:
    now = datetime(*moment, tzinfo=JAPAN)
    assert arrival(now, to, PRESS, closures.is_open) == expected


@given(moments, addresses, presses, closed)
def test_each_step_takes_its_days(
    now: datetime, to: PostalAddress, press: Press, closures: Closures
) -> None:
    day = arrival(now, to, press, closures.is_open)
    assert is_open(day)
    way = [japan_date(now) + timedelta(days=n) for n in range(1, (day - japan_date(now)).days + 1)]
    delivered = sum(map(is_open, way))
    assert delivered >= press.hand_over_days + days(day, press.prefecture, to)


@given(moments, st.timedeltas(timedelta(), timedelta(days=30)), addresses, presses, closed)
def test_who_begins_later_is_never_earlier(
    now: datetime, wait: timedelta, to: PostalAddress, press: Press, closures: Closures
) -> None:
    soon = arrival(now, to, press, closures.is_open)
    assert soon <= arrival(now + wait, to, press, closures.is_open)
    assert arrival(now, to, press, is_open) <= soon  # own closed days make it no faster


@given(st.dates(date(2022, 1, 1), date(2030, 12, 31)), st.integers(1, 20))
def test_counting_business_days(day: date, count: int) -> None:
    later = business_days_later(day, count)
    assert is_open(later)
    assert sum(is_open(day + timedelta(days=n)) for n in range(1, (later - day).days + 1)) == count
    assert business_days_later(day, 0) == day


def test_closures_of_one_scheme_close_nobody_else() -> None:
    own = Closures((Closure(first=date(2025, 9, 1), last=date(2025, 9, 2), scheme="pension"),))
    day = date(2025, 9, 1)
    assert not own.of("pension")(day)
    assert own.of("other")(day)
    assert own.of()(day)
    assert time(15) == PRESS.cut_off
