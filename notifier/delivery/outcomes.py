"""Outcomes: what becomes of a message after its reply, and the tasks that people get.

The details of tasks hold no contact data.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import messages, tasks
from notifier.store.attempts import Result
from notifier.store.messages import Move

from .compose import Lost, Unsendable
from .replies import NO_HINT, Hint, HintKind, Outcome, Reply, hint_of

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


def failed_task(message_id: int, notice: str, result: Result) -> TaskDraft:
    """A message was refused for good, or for too long."""
    number = public_number(message_id)
    details = {"message": number, "notice": notice, "reason": result.reason}
    if result.code is not None:
        details["code"] = " ".join(filter(None, (str(result.code), result.enhanced)))
    return TaskDraft(kind=TaskKind.FAILED_MESSAGE, key=number, details=details)


def held_task(message_id: int, notice: str, error: Unsendable) -> TaskDraft:
    """A message cannot be put into words or has nowhere to go; equal causes are counted."""
    details = {"message": public_number(message_id), "notice": notice, "reason": error.reason}
    if error.what:
        details["field"] = error.what
    key = f"{error.reason}|{notice}|{error.what}"
    return TaskDraft(kind=TaskKind.HELD_MESSAGE, key=key, details=details, messages=(message_id,))


def expired_tasks(ended: Iterable[tuple[int, str]]) -> list[TaskDraft]:
    """Messages (id, notice) that were not sent in time, one task for each notice."""
    return [
        TaskDraft(
            kind=TaskKind.FAILED_MESSAGE,
            key=f"{Reason.EXPIRED}|{notice}",
            details={
                "message": public_number(message_id),
                "notice": notice,
                "reason": Reason.EXPIRED,
            },
        )
        for message_id, notice in ended
    ]


async def hold(
    conn: AsyncConnection, lost: Sequence[Lost], before: State, *, actor: Actor, now: datetime
) -> None:
    """Hold messages that are still in the state ``before``, with a task for each cause."""
    asked = [
        Move(
            message_id=one.message_id,
            after=State.HELD,
            reason=one.error.reason,
            only_from=(before,),
        )
        for one in lost
    ]
    moved = set(await messages.move(conn, asked, actor=actor, now=now))
    drafts = [
        held_task(one.message_id, one.notice, one.error) for one in lost if one.message_id in moved
    ]
    await tasks.raise_all(conn, drafts, actor=actor, now=now)
