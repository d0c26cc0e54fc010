"""Handing a printed batch to the press, or taking it back."""

import asyncio
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import batches, messages
from notifier.store.messages import Move

from .folder import batch_name


async def hand_over(engine: AsyncEngine, batch_id: int, *, actor: Actor, now: datetime) -> int:
    """The press has the batch; how many letters.

    Raises :class:`NotFound`, and :class:`NotAllowed` when it is not a printed one or when
    letters in it were stopped since: those must not be posted, so take the batch back.
    """
    async with engine.begin() as conn:
        pieces = await _pieces(conn, batch_id)
        stopped = [public_number(p["message_id"]) for p in pieces if p["state"] != State.PRINTED]
        if stopped:
            raise NotAllowed(f"stopped since it was printed: {', '.join(stopped)}")
        await batches.hand_over(conn, batch_id, actor=actor, now=now)
        moves = _moves(pieces, State.HANDED_OVER, Reason.HANDED_OVER)
        moved = await messages.move(conn, moves, actor=actor, now=now)
        if len(moved) != len(pieces):
            raise NotAllowed("letters were stopped at this very moment; look again")
        return len(moved)


async def take_back(
    engine: AsyncEngine, folder: Path, batch_id: int, *, actor: Actor, now: datetime
) -> int:
    """A printed batch in ``folder`` comes to nothing; how many letters are queued again.

    Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    async with engine.begin() as conn:
        pieces = await _pieces(conn, batch_id)
        moves = _moves(pieces, State.QUEUED, Reason.BY_PERSON)
        queued = await messages.move(conn, moves, actor=actor, now=now)
        await batches.cancel(conn, batch_id)
    await asyncio.to_thread(shutil.rmtree, folder / batch_name(batch_id), ignore_errors=True)
    return len(queued)


def _moves(pieces: Sequence[RowMapping], after: State, reason: Reason) -> list[Move]:
    printed = (State.PRINTED,)
    return [
        Move(message_id=p["message_id"], after=after, reason=reason, only_from=printed)
        for p in pieces
    ]


async def _pieces(conn: AsyncConnection, batch_id: int) -> Sequence[RowMapping]:
    batch = await batches.get(conn, batch_id, lock=True)
    if batch is None:
        raise NotFound("batch", batch_name(batch_id))
    if batch["state"] != "printed":
        raise NotAllowed(f"batch {batch_name(batch_id)} is {batch['state']}")
    return await batches.pieces(conn, batch_id)
