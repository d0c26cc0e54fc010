"""What a message waits for: a table."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from notifier.model.plan import Calendar, Hours
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rendering.labels import LABELS
from notifier.rules.waiting import Obstacle, Waiting, waiting

#: Wednesday; the 17th is closed.
_MORNING = datetime(2025, 7, 16, 3, 0, tzinfo=UTC)  # noon in Japan
_EVENING = datetime(2025, 7, 16, 11, 0, tzinfo=UTC)  # 20:00
_CLOSED = datetime(2025, 7, 17, 3, 0, tzinfo=UTC)
_CALENDAR = Calendar(is_open=lambda day: day != date(2025, 7, 17), hours=Hours(time(9), time(19)))
_E, _L, _H = Channel.EMAIL, Channel.LETTER, timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "reason", "channel", "now", "due_in", "workers", "expected"),
    [
        (State.HELD, Reason.NO_BRAND, _E, _MORNING, -_H, True, Obstacle.PERSON),
        (State.QUEUED, Reason.CREATED, _E, _EVENING, 13 * _H, True, Obstacle.HOURS),
        (State.QUEUED, Reason.RELEASED, _E, _EVENING, 13 * _H, True, Obstacle.HOURS),
        (State.QUEUED, Reason.CREATED, _L, _CLOSED, 21 * _H, True, Obstacle.CLOSED_DAY),
        (State.QUEUED, Reason.CREATED, _E, _MORNING, 30 * _H, True, Obstacle.DAY),
        (State.QUEUED, Reason.GREYLISTED, _E, _MORNING, _H, True, Obstacle.RETRY),
        (State.QUEUED, Reason.TEMPORARY_REFUSAL, _E, _EVENING, _H, True, Obstacle.RETRY),
        (State.QUEUED, Reason.CREATED, _E, _MORNING, -_H, True, Obstacle.WORKER),
        (State.QUEUED, Reason.CREATED, _E, _MORNING, -_H, False, Obstacle.NO_WORKER),
        (State.QUEUED, Reason.CREATED, _L, _MORNING, -_H, False, Obstacle.COLLECTION),
        (State.PRINTED, Reason.PRINTED, _L, _MORNING, -_H, True, Obstacle.HAND_OVER),
        (State.UNCERTAIN, Reason.BROKEN_AFTER_DATA, _E, _MORNING, -_H, True, Obstacle.OUTCOME),
        (State.SENT, Reason.ACCEPTED, _E, _MORNING, -_H, True, None),
        (State.CANCELLED, Reason.SETTLED, _E, _MORNING, _H, True, None),
        (State.CLAIMED, Reason.CLAIMED, _E, _MORNING, -_H, True, None),
    ],
)
def test_what_it_waits_for(
    state: State,
    reason: Reason,
    channel: Channel,
    now: datetime,
    due_in: timedelta,
    workers: bool,
    expected: Obstacle | None,
) -> None:
    due = now + due_in
    found = waiting(state, reason, channel, due, now=now, calendar=_CALENDAR, workers=workers)
    until = due if due > now and state is State.QUEUED else None
    assert found == (Waiting(expected, until) if expected else None)


def test_every_obstacle_has_words() -> None:
    for language in ("ja", "en"):
        assert {f"waiting.{o}" for o in Obstacle} <= LABELS.catalogue(language).keys()
