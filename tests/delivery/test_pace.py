"""Mass mailings slow down when the relay falls behind, and recover with it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.gate import Bounds, Pace
from notifier.delivery.replies import Outcome


def _fed(pace: Pace, seconds: float, count: int, now: float, outcome: Outcome) -> float:
    """Replies one after the other; when the last came."""
    for _ in range(count):
        now += seconds / pace.window
        pace.answered(seconds, outcome, now)
    return now


def _good(pace: Pace, seconds: float, count: int, now: float = 0.0) -> float:
    return _fed(pace, seconds, count, now, Outcome.ACCEPTED)


def test_a_relay_that_keeps_up_is_given_all() -> None:
    pace = Pace(12)
    now = _good(pace, 0.05, 100)
    _good(pace, 0.15, 1000, now)  # three times as long, but nobody is behind below 0.2 s
    assert (pace.window, pace.is_behind) == (12, False)


def test_a_relay_that_falls_behind_is_given_less_step_by_step() -> None:
    pace = Pace(12)
    now = _good(pace, 0.1, 100)
    seen = [pace.window]
    for _ in range(200):
        now += 1.0 / pace.window
        pace.answered(1.0, Outcome.ACCEPTED, now)
        if pace.window != seen[-1]:
            seen.append(pace.window)
    assert seen == [12, 7, 4, 2, 1]


def test_it_recovers_one_by_one() -> None:
    pace = Pace(12)
    now = _good(pace, 0.1, 100)
    now = _good(pace, 2.0, 100, now)
    assert pace.window == 1
    now = _good(pace, 0.1, 30, now)  # until the average has followed
    assert 1 < pace.window < 8
    _good(pace, 0.1, 100, now)
    assert pace.window == 12


def test_a_single_slow_reply_changes_nothing() -> None:
    pace = Pace(12)
    now = _good(pace, 0.1, 100)
    pace.answered(2.0, Outcome.ACCEPTED, now)
    assert pace.window == 12


def test_replies_to_what_was_sent_before_a_cut_cut_no_further() -> None:
    pace = Pace(100)
    now = _good(pace, 0.1, 200)
    for _ in range(60):
        pace.answered(2.0, Outcome.ACCEPTED, now)
    assert pace.window == 60


def test_beyond_the_bound_every_relay_is_behind() -> None:
    pace = Pace(8, bounds=Bounds(most=5.0))
    _good(pace, 6.0, 100)
    assert (pace.window, pace.is_behind) == (1, True)


def test_refusals_slow_it_down_as_well() -> None:
    pace = Pace(12)
    now = _good(pace, 0.05, 100)
    now = _fed(pace, 0.05, 100, now, Outcome.TEMPORARY)
    assert pace.window == 1
    _good(pace, 0.05, 300, now)
    assert pace.window == 12


def test_refusals_for_good_are_the_messages_matter() -> None:
    pace = Pace(12)
    _fed(pace, 0.05, 300, 0.0, Outcome.PERMANENT)
    assert pace.window == 12


@pytest.mark.parametrize("outcome", [Outcome.BEFORE_DATA, Outcome.UNCERTAIN])
def test_broken_connections_tell_nothing(outcome: Outcome) -> None:
    pace = Pace(12)
    _fed(pace, 600.0, 50, 0.0, outcome)
    assert (pace.window, pace.latency) == (12, None)


def test_a_relay_that_became_slower_for_good_is_believed_in_time() -> None:
    pace = Pace(12)
    now = _good(pace, 0.1, 100)
    now = _good(pace, 1.0, 120, now)
    assert pace.window == 1
    _good(pace, 1.0, 1000, now)
    assert (pace.window, pace.is_behind) == (12, False)


@given(
    st.integers(1, 50),
    st.lists(
        st.tuples(st.floats(0, 700), st.sampled_from(Outcome), st.floats(0, 100)), max_size=200
    ),
)
def test_there_is_always_one_and_never_too_many(
    most: int, replies: list[tuple[float, Outcome, float]]
) -> None:
    pace, now = Pace(most), 0.0
    for seconds, outcome, later in replies:
        now += later
        pace.answered(seconds, outcome, now)
        assert 1 <= pace.window <= most
    assert pace.baseline is None or pace.baseline >= 0


def test_a_window_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pace(0)
