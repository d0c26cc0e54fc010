"""From a reply to what becomes of the message: sent, again later, failed, uncertain."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store.attempts import Result

from .reply import Outcome, Reply

_FIRST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=4)

#: A number between 0 and 1, evenly spread: ``random.random``.
Dice = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A permitted transmission."""

    attempt_id: int
    number: int  # 1 for the first of its message
    expires_at: datetime  # of the message
    permitted_at: datetime


def retry_delay(number: int, dice: Dice) -> timedelta:
    """How long to wait after attempt ``number``: 1, 2, 4 … minutes, a fifth more or less."""
    delay = min(_FIRST * (1 << min(number - 1, 20)), _LONGEST)
    return delay * (0.8 + 0.4 * dice())


def result_of(attempt: Attempt, reply: Reply, *, now: datetime, dice: Dice) -> Result:
    """What goes on record for a reply. A retry that would come too late ends in failure."""
    after, reason, retry_at = _move(attempt, reply.outcome, now, dice)
    return Result(
        attempt_id=attempt.attempt_id,
        permitted_at=attempt.permitted_at,
        after=after,
        reason=reason,
        outcome=reply.outcome,
        retry_at=retry_at,
        command=reply.command,
        code=reply.code,
        enhanced=reply.enhanced,
        tls=reply.tls,
        reply=reply.text,
    )


def _move(
    attempt: Attempt, outcome: Outcome, now: datetime, dice: Dice
) -> tuple[State, Reason, datetime | None]:
    match outcome:
        case Outcome.ACCEPTED:
            return State.SENT, Reason.ACCEPTED, None
        case Outcome.PERMANENT:
            return State.FAILED, Reason.PERMANENT_REFUSAL, None
        case Outcome.UNCERTAIN:
            return State.UNCERTAIN, Reason.BROKEN_AFTER_DATA, None
        case Outcome.TEMPORARY | Outcome.BEFORE_DATA:
            retry_at = now + retry_delay(attempt.number, dice)
            if retry_at >= attempt.expires_at:
                return State.FAILED, Reason.ATTEMPTS_EXHAUSTED, None
            refused = outcome is Outcome.TEMPORARY
            reason = Reason.TEMPORARY_REFUSAL if refused else Reason.CONNECTION_FAILED
            return State.QUEUED, reason, retry_at
