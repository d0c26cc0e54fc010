"""What becomes of a message, reply by reply."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.outcomes import Attempt, result_of, retry_delay
from notifier.delivery.process import shares
from notifier.delivery.replies import Hint, HintKind, Outcome, Reply, answered
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.relay import ALL_LANES, LaneName, Relay
from notifier.model.states import Channel, State, may_move
from tests.samples import NOW


def attempt_of(number: int, left: timedelta, most: int | None = None) -> Attempt:
    """An attempt of a message that expires so soon."""
    return Attempt(
        attempt_id=1,
        message_id=1,
        number=number,
        fence=1,
        expires_at=NOW + left,
        permitted_at=NOW,
        most=most,
    )


@given(
    st.sampled_from(Outcome),
    st.integers(1, 1000),
    st.floats(0, 1),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
)
def test_every_reply_ends_in_a_move_that_the_table_has(
    outcome: Outcome, number: int, roll: float, left: timedelta
) -> None:
    attempt = attempt_of(number, left)
    reply = Reply(outcome=outcome, command="BODY")
    result = result_of(attempt, reply, now=NOW, dice=lambda: roll)
    assert may_move(Channel.EMAIL, State.SENDING, result.after)
    assert (result.retry_at is not None) == (result.after is State.QUEUED)
    if result.retry_at is not None:
        assert NOW < result.retry_at < attempt.expires_at


def test_waits_double_up_to_hours() -> None:
    minutes = [retry_delay(n, lambda: 0.5) / timedelta(minutes=1) for n in (1, 2, 3, 4, 50)]
    assert minutes == [1, 2, 4, 8, 240]


@given(
    st.sampled_from(HintKind),
    st.timedeltas(min_value=timedelta(seconds=5), max_value=timedelta(hours=4)),
    st.integers(1, 1000),
    st.floats(0, 1),
)
def test_nobody_comes_back_before_the_time_that_was_asked_for(
    kind: HintKind, wait: timedelta, number: int, roll: float
) -> None:
    delay = retry_delay(number, lambda: roll, Hint(kind, wait))
    assert wait <= delay <= max(1.2 * wait, timedelta(hours=4.8))
    usual = retry_delay(number, lambda: roll)
    first_sight = kind is HintKind.GREYLISTED and number == 1
    assert first_sight or delay >= usual


def test_greylisting_is_answered_as_soon_as_it_allows() -> None:
    short = Hint(HintKind.GREYLISTED, timedelta(seconds=20))
    assert retry_delay(1, lambda: 0.5, short) == timedelta(seconds=22)
    assert retry_delay(2, lambda: 0.5, short) == timedelta(minutes=2)  # once is enough
    assert retry_delay(1, lambda: 0.5, Hint(HintKind.THROTTLED, short.wait)) == timedelta(minutes=1)


_WAITS = [
    ("450", "4.2.0 greylisted for 300 seconds", Reason.GREYLISTED, 330),
    ("421", "4.7.0 too many messages, try again in 10 minutes", Reason.THROTTLED, 660),
    ("451", "4.7.1 rate limited", Reason.THROTTLED, 60),
    ("451", "4.3.0 try again in 10 minutes", Reason.TEMPORARY_REFUSAL, 660),
    ("451", "4.3.0 later", Reason.TEMPORARY_REFUSAL, 60),
]


@pytest.mark.parametrize(("code", "text", "reason", "seconds"), _WAITS)
def test_the_record_says_why_a_message_waits_and_until_when(
    code: str, text: str, reason: Reason, seconds: int
) -> None:
    attempt = attempt_of(1, timedelta(days=1))
    reply = answered("RCPT", int(code), text, tls=None, relay="relay")
    result = result_of(attempt, reply, now=NOW, dice=lambda: 0.5)
    assert (result.after, result.reason) == (State.QUEUED, reason)
    assert result.retry_at == NOW + timedelta(seconds=seconds)


def test_a_broken_connection_is_told_from_a_refusal() -> None:
    attempt = attempt_of(1, timedelta(days=1))
    broken = Reply(
        outcome=Outcome.BEFORE_DATA, command="CONNECT", text="OSError: too many messages"
    )
    result = result_of(attempt, broken, now=NOW, dice=lambda: 0.5)
    assert result.reason is Reason.CONNECTION_FAILED


def test_a_hint_that_was_read_before_counts() -> None:
    attempt = attempt_of(1, timedelta(days=1))
    reply = answered("RCPT", 451, "later", tls=None, relay="relay")
    hint = Hint(HintKind.THROTTLED, timedelta(hours=1))
    result = result_of(attempt, reply, now=NOW, dice=lambda: 0.0, hint=hint)
    assert (result.reason, result.retry_at) == (Reason.THROTTLED, NOW + timedelta(hours=1))


@pytest.mark.parametrize(("number", "after"), [(2, State.QUEUED), (3, State.FAILED)])
@pytest.mark.parametrize("outcome", [Outcome.TEMPORARY, Outcome.BEFORE_DATA])
def test_a_notice_may_limit_its_attempts(number: int, after: State, outcome: Outcome) -> None:
    attempt = attempt_of(number, timedelta(days=1), most=3)
    reply = Reply(outcome=outcome, command="RCPT", code=451)
    result = result_of(attempt, reply, now=NOW, dice=lambda: 0.5)
    assert result.after is after
    assert (result.reason is Reason.ATTEMPTS_EXHAUSTED) == (after is State.FAILED)


def test_the_last_attempt_may_succeed_or_stay_uncertain() -> None:
    last = attempt_of(3, timedelta(days=1), most=3)
    for outcome, after in ((Outcome.ACCEPTED, State.SENT), (Outcome.UNCERTAIN, State.UNCERTAIN)):
        reply = Reply(outcome=outcome, command="BODY")
        assert result_of(last, reply, now=NOW, dice=lambda: 0.5).after is after


def test_each_lane_has_lines_of_its_own() -> None:
    def relay(connections: int, *lanes: LaneName) -> Relay:
        return Relay(host="localhost", connections=connections, lanes=lanes or ALL_LANES)

    assert shares([relay(4)], Lane) == {Lane.URGENT: 1, Lane.STANDARD: 2, Lane.BULK: 1}
    assert shares([relay(1)], Lane) == dict.fromkeys(Lane, 1)
    assert shares([relay(10)], [Lane.BULK]) == {Lane.BULK: 10}
    assert shares([relay(8)], [Lane.BULK, Lane.URGENT]) == {Lane.URGENT: 4, Lane.BULK: 4}


def test_lanes_with_relays_of_their_own_do_not_share() -> None:
    own = Relay(host="localhost", port=26, connections=5, lanes=("urgent",))
    other = Relay(host="localhost", port=27, connections=9, lanes=("standard", "bulk"))
    assert shares([own, other], Lane) == {Lane.URGENT: 5, Lane.STANDARD: 6, Lane.BULK: 3}
