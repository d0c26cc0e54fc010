"""When a call is tried again, whatever its receiver asks for."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.webhooks.retries import asked_for

NOW = datetime(2025, 7, 16, 1, 2, 3, tzinfo=UTC)
_NUMBER = st.from_regex(r"[0-9]{1,25}", fullmatch=True)
_DATE = st.builds(
    "Wed, {} Jul {} {}:02:03 {}".format, _NUMBER, _NUMBER, _NUMBER, st.just("GMT") | _NUMBER
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("Wed, 16 Jul 2025 01:12:03 GMT", 600),
        ("Wed, 16 Jul 2025 10:12:03 +0900", 600),
        ("Wed, 16 Jul 2025 01:02:02 GMT", 0),
        ("Sat, 01 Jan 2050 00:00:00 GMT", 12 * 3600),
        ("9" * 400, 12 * 3600),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("Wed, 16 Jul 2025 01:12:03 +99999999999999999999", 0),
        ("Wed, 99999999999999999999 Jul 2025 01:12:03 GMT", 0),
    ],
)
def test_what_a_receiver_asks_for(text: str, seconds: int) -> None:
    assert asked_for(text, NOW) == timedelta(seconds=seconds)


@given(st.text() | _NUMBER | _DATE)
def test_whatever_it_asks_for_there_is_an_answer(text: str) -> None:
    assert timedelta(0) <= asked_for(text, NOW) <= timedelta(hours=12)
