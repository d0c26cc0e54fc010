"""Why a message has not gone out yet, and when it will. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from notifier.model.plan import Calendar
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rules.calendar import japan_date
from notifier.rules.plan import in_hours


class Obstacle(StrEnum):
    """What a message waits for. Labels: ``waiting.<value>`` in the catalogues."""

    PERSON = "person"  # a task says what for
    HOURS = "hours"  # nothing goes out at this time of the day
    CLOSED_DAY = "closed_day"
    DAY = "day"  # it is planned for then
    RETRY = "retry"  # it was refused for now, or its destination takes no more at present
    WORKER = "worker"  # a worker takes it in a moment
    NO_WORKER = "no_worker"  # nothing runs that would send it
    COLLECTION = "collection"  # letters wait until somebody collects a batch
    HAND_OVER = "hand_over"
    OUTCOME = "outcome"  # nobody knows whether it has arrived


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a message waits for, and until when where that is known."""

    obstacle: Obstacle
    until: datetime | None = None


_SIMPLE = {
    State.HELD: Obstacle.PERSON,
    State.PRINTED: Obstacle.HAND_OVER,
    State.UNCERTAIN: Obstacle.OUTCOME,
}
_FRESH = frozenset({Reason.CREATED, Reason.RELEASED, Reason.REDECIDED})


def waiting(
    state: State,
    reason: Reason,
    channel: Channel,
    due_at: datetime,
    *,
    now: datetime,
    calendar: Calendar,
    workers: bool,
) -> Waiting | None:
    """Return what a message waits for; None where it waits for nothing.

    ``due_at``: when a queued one may go out; ``workers``: whether any runs.
    """
    if state in _SIMPLE:
        return Waiting(_SIMPLE[state])
    if state is not State.QUEUED:
        return None
    if due_at > now:
        return Waiting(_until(reason, now, calendar), due_at)
    if channel.rules.paper:
        return Waiting(Obstacle.COLLECTION)
    return Waiting(Obstacle.WORKER if workers else Obstacle.NO_WORKER)


def _until(reason: Reason, now: datetime, calendar: Calendar) -> Obstacle:
    if reason not in _FRESH:
        return Obstacle.RETRY
    if in_hours(now, calendar):
        return Obstacle.DAY
    return Obstacle.HOURS if calendar.is_open(japan_date(now)) else Obstacle.CLOSED_DAY
