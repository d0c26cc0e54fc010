"""What becomes of a message, reply by reply."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifier.deliver.outcomes import Attempt, result_of, retry_delay
from notifier.deliver.reply import Outcome, Reply
from notifier.deliver.station import shares
from notifier.model.notice import Lane
from notifier.model.states import Channel, State, may_move
from tests.samples import NOW


@given(
    st.sampled_from(Outcome),
    st.integers(1, 1000),
    st.floats(0, 1),
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
)
def test_every_reply_ends_in_a_move_that_the_table_has(
    outcome: Outcome, number: int, roll: float, left: timedelta
) -> None:
    attempt = Attempt(1, number, NOW + left, NOW)
    reply = Reply(outcome=outcome, command="BODY")
    result = result_of(attempt, reply, now=NOW, dice=lambda: roll)
    assert may_move(Channel.EMAIL, State.SENDING, result.after)
    assert (result.retry_at is not None) == (result.after is State.QUEUED)
    if result.retry_at is not None:
        assert NOW < result.retry_at < attempt.expires_at


def test_waits_double_up_to_hours() -> None:
    minutes = [retry_delay(n, lambda: 0.5) / timedelta(minutes=1) for n in (1, 2, 3, 4, 50)]
    assert minutes == [1, 2, 4, 8, 240]


def test_each_lane_has_lines_of_its_own() -> None:
    assert shares(4, Lane) == {Lane.URGENT: 1, Lane.STANDARD: 2, Lane.BULK: 1}
    assert shares(1, Lane) == dict.fromkeys(Lane, 1)
    assert shares(10, [Lane.BULK]) == {Lane.BULK: 10}
    assert shares(8, [Lane.BULK, Lane.URGENT]) == {Lane.URGENT: 4, Lane.BULK: 4}
