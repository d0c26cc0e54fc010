"""The clock, and the shifted one of rehearsals."""

import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notifier.runtime.clock import Clock, clock_of, turn
from notifier.runtime.settings import BadSettings, load_settings


def test_now_is_utc() -> None:
    before = datetime.now(UTC)
    now = Clock().now()
    assert now.tzinfo is UTC
    assert before <= now <= datetime.now(UTC)


def test_a_shift_is_seen_at_once_and_by_every_reader(tmp_path: Path) -> None:
    file = tmp_path / "shift"
    first, second = Clock(file), Clock(file)
    assert first.shift == timedelta()
    for shift in (timedelta(days=-400), timedelta(seconds=1.5), timedelta(days=30)):
        turn(file, shift)
        assert first.shift == second.shift == shift
        assert first.now() - datetime.now(UTC) < shift + timedelta(seconds=5)
    file.unlink()
    assert first.shift == timedelta()


@pytest.mark.parametrize("text", ["", "soon", "nan", "1e300"])
def test_a_file_without_a_number(tmp_path: Path, text: str) -> None:
    file = tmp_path / "shift"
    file.write_text(text)
    with pytest.raises(BadSettings, match="signed seconds"):
        Clock(file).now()


def test_the_settings_choose(tmp_path: Path) -> None:
    turn(tmp_path / "shift", timedelta(hours=1))
    shifted = load_settings(relay_host="127.0.0.1", clock_file=tmp_path / "shift")
    assert clock_of(shifted).shift == timedelta(hours=1)
    assert clock_of(load_settings()).shift == timedelta()


def test_while_no_file_can_be_opened_the_clock_goes_on_as_it_went(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = Clock(file)
    turn(file, timedelta(hours=1))
    assert clock.shift == timedelta(hours=1)
    turn(file, timedelta(hours=2))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        during = clock.shift
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (during, clock.shift) == (timedelta(hours=1), timedelta(hours=2))
