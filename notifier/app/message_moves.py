"""What a person decides about a message: released, cancelled, settled, sent again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.release import Released, release
from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import UNSENT, State
from notifier.model.verdict import Category
from notifier.store import messages as store
from notifier.store import suppressions
from notifier.store.messages import Move

from .messages import known_message

#: What a person may make of a message, why it is then so, and from where.
_CANCELLED: Final = (State.CANCELLED, Reason.BY_PERSON, tuple(UNSENT))
_RETRIED: Final = (State.QUEUED, Reason.RELEASED, (State.FAILED, State.SUPPRESSED))
_MISREAD: Final = (State.SENT, Reason.MISREAD, (State.BOUNCED,))
#: What may be known of an uncertain message.
SETTLED_AS: Final = (State.SENT, State.FAILED, State.QUEUED)


async def cancel_message(
    engine: AsyncEngine, message_id: int, *, actor: Actor, now: datetime
) -> None:
    """Stop a message that has not left. Raises :class:`NotFound` and :class:`NotAllowed`."""
    await _move(engine, message_id, *_CANCELLED, actor=actor, now=now)


async def retry_message(
    engine: AsyncEngine, message_id: int, *, actor: Actor, now: datetime
) -> None:
    """Queue a failed message again. Raises :class:`NotFound` and :class:`NotAllowed`."""
    await _move(engine, message_id, *_RETRIED, actor=actor, now=now)


async def settle_message(
    engine: AsyncEngine, message_id: int, *, known: State, actor: Actor, now: datetime
) -> None:
    """Say what became of an uncertain message, one of ``SETTLED_AS``; queued, it is sent again.

    Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    move = (known, Reason.SETTLED_BY_PERSON, (State.UNCERTAIN,))
    await _move(engine, message_id, *move, actor=actor, now=now)


async def not_bounced(
    engine: AsyncEngine, message_id: int, note: str, *, actor: Actor, now: datetime
) -> None:
    """Say that a bounce was misread: sent again, and its address suppressed by it no more.

    Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    await _move(engine, message_id, *_MISREAD, note=note, actor=actor, now=now)


async def _move(
    engine: AsyncEngine,
    message_id: int,
    after: State,
    reason: Reason,
    only_from: tuple[State, ...],
    *,
    note: str | None = None,
    actor: Actor,
    now: datetime,
) -> None:
    """Move a message; with a note what its bounce had suppressed is lifted."""
    move = Move(
        message_id=message_id,
        after=after,
        reason=reason,
        retry_at=now if after is State.QUEUED else None,
        only_from=only_from,
    )
    async with engine.begin() as conn:
        found = await known_message(conn, message_id)
        if not await store.move(conn, [move], actor=actor, now=now):
            number, state = public_number(message_id), State(found.state)
            text = f"{number} is {state}"
            raise NotAllowed(text, code="message_in_state", message=number, state=state)
        if note is not None:
            await suppressions.lift_of(conn, message_id, note=note, actor=actor, now=now)


async def release_messages(
    engine: AsyncEngine,
    acceptor: Acceptor,
    ids: Sequence[int] | None,
    *,
    reason: Reason | None,
    category: Category | None,
    actor: Actor,
    now: datetime,
) -> list[Released]:
    """Take held messages through the rules again: those named, or all that match.

    ``category``: a person's reading of an unknown gateway code. Raises :class:`NotAllowed` where
    one that is named is not held.
    """
    async with engine.begin() as conn:
        held = await store.held(conn, reason=reason, ids=ids)
        if ids is not None and len(held) < len(set(ids)):
            known = {r.message_id for r in held}
            others = ", ".join(public_number(i) for i in ids if i not in known)
            raise NotAllowed(f"not held: {others}", code="not_held", messages=others)
        house = await acceptor.house(conn)
        return await release(conn, held, house, actor=actor, now=now, category=category)
