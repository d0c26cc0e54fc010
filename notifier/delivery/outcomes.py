"""From a reply to what becomes of the message: sent, again later, failed, uncertain."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store.attempts import Result

from .hints import NO_HINT, Hint, HintKind, hint_of
from .reply import Outcome, Reply

_FIRST: Final = timedelta(minutes=1)
_LONGEST: Final = timedelta(hours=4)
_ASKED: Final = {
    HintKind.THROTTLED: Reason.THROTTLED,
    HintKind.GREYLISTED: Reason.GREYLISTED,
}

#: A number between 0 and 1, evenly spread: ``random.random``.
Dice = Callable[[], float]


class Attempt(NamedTuple):
    """A permitted transmission."""

    attempt_id: int
    message_id: int
    number: int  # 1 for the first of its message
    fence: int  # of the claim
    expires_at: datetime  # of the message
    permitted_at: datetime
    most: int | None = None  # attempts that its notice allows; None: until it expires


def retry_delay(number: int, dice: Dice, hint: Hint = NO_HINT) -> timedelta:
    """How long to wait after attempt ``number``: 1, 2, 4 … minutes, a fifth more or less.

    Never shorter than a reply asked for, and up to a fifth longer; after a first refusal by
    greylisting just that.
    """
    delay = min(_FIRST * (1 << min(number - 1, 20)), _LONGEST) * (0.8 + 0.4 * dice())
    if hint.wait is None:
        return delay
    asked = hint.wait * (1 + 0.2 * dice())
    first_sight = hint.kind is HintKind.GREYLISTED and number == 1
    return asked if first_sight else max(delay, asked)


def result_of(
    attempt: Attempt, reply: Reply, *, now: datetime, dice: Dice, hint: Hint | None = None
) -> Result:
    """What goes on record for a reply.

    A retry that would come too late, or be one too many, ends in failure. ``hint``: what was read
    from the reply, if the caller has done so already.
    """
    after, reason, retry_at = _move(attempt, reply, hint or hint_of(reply), now, dice)
    return Result(
        message_id=attempt.message_id,
        number=attempt.number,
        fence=attempt.fence,
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
    attempt: Attempt, reply: Reply, hint: Hint, now: datetime, dice: Dice
) -> tuple[State, Reason, datetime | None]:
    match reply.outcome:
        case Outcome.ACCEPTED:
            return State.SENT, Reason.ACCEPTED, None
        case Outcome.PERMANENT:
            return State.FAILED, Reason.PERMANENT_REFUSAL, None
        case Outcome.UNCERTAIN:
            return State.UNCERTAIN, Reason.BROKEN_AFTER_DATA, None
        case Outcome.TEMPORARY | Outcome.BEFORE_DATA:
            retry_at = now + retry_delay(attempt.number, dice, hint)
            spent = attempt.most is not None and attempt.number >= attempt.most
            if spent or retry_at >= attempt.expires_at:
                return State.FAILED, Reason.ATTEMPTS_EXHAUSTED, None
            return State.QUEUED, _why(reply.outcome, hint), retry_at


def _why(outcome: Outcome, hint: Hint) -> Reason:
    """Why a message waits for another attempt."""
    if hint.kind in _ASKED:
        return _ASKED[hint.kind]
    refused = outcome is Outcome.TEMPORARY
    return Reason.TEMPORARY_REFUSAL if refused else Reason.CONNECTION_FAILED
