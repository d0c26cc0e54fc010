"""Cancelling a batch, and withdrawing single pieces of one."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import batches, pieces

from .folder import clear, write
from .manifest import withdrawals
from .rebuild import printed_batch, rebuild, stopped
from .room import PressRoom, busy, in_state, move_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What became of pieces that are not to be posted."""

    taken_out: int = 0  # of a batch that was not handed over
    listing: Path | None = None  # for the press: all of the batch that it must not post


async def cancel(room: PressRoom, batch_id: int, *, for_good: bool, actor: Actor) -> int:
    """A printed batch comes to nothing; how many letters are queued again.

    With ``for_good`` they are cancelled. Letters that were stopped before stay as they are.
    Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    now = room.now()
    after = (State.CANCELLED, Reason.BY_PERSON) if for_good else (State.QUEUED, Reason.TAKEN_BACK)
    async with room.engine.begin() as conn:
        batch = await printed_batch(conn, batch_id)
        found = await pieces.of_batch(conn, batch_id, lock=True)
        ids = {p.message_id for p in found} - stopped(found)
        moved = await move_all(conn, ids, State.PRINTED, *after, actor=actor, now=now)
        await batches.move(conn, batch_id, BatchState.CANCELLED, BatchState.PRINTED)
    await asyncio.to_thread(clear, room.folder / batch.folder)
    return len(moved)


async def withdraw(
    room: PressRoom, batch_id: int, message_ids: Iterable[int], *, actor: Actor
) -> Withdrawn:
    """Pieces are not to be posted.

    Before the hand-over their letters are cancelled and taken out of the files; after it they are
    put on the list that the press gets, and its acknowledgement says what became of them. Raises
    :class:`NotFound` and :class:`NotAllowed`.
    """
    async with batches.at_the_press(room.engine) as free:
        if not free:
            raise busy()
        wanted = set(message_ids)
        async with room.engine.begin() as conn:
            batch, found = await _of(conn, batch_id, wanted)
            if batch.state == BatchState.PRINTED:
                await _cancel(conn, room, wanted - stopped(found), actor)
            else:
                await pieces.withdraw(conn, batch_id, wanted, actor=actor, now=room.now())
                found = await pieces.of_batch(conn, batch_id)
        if batch.state == BatchState.PRINTED:
            return Withdrawn(taken_out=await rebuild(room, batch_id))
        return Withdrawn(listing=await asyncio.to_thread(_listed, room, batch_id, found))


async def _of(
    conn: AsyncConnection, batch_id: int, wanted: set[int]
) -> tuple[batches.Batch, Sequence[pieces.PrintedPiece]]:
    batch = await batches.get(conn, batch_id, lock=True)
    name = batch_name(batch_id)
    if batch is None:
        raise NotFound("batch", name)
    known = (BatchState.PRINTED, BatchState.HANDED_OVER, BatchState.UNCERTAIN, BatchState.POSTED)
    if batch.state not in known:
        raise in_state(batch)
    found = await pieces.of_batch(conn, batch_id, lock=True)
    missing = wanted - {p.message_id for p in found}
    if missing:
        raise NotFound("piece", f"{name}/{public_number(min(missing))}")
    posted = [p for p in found if p.message_id in wanted and p.posted_on is not None]
    if posted:
        number = public_number(posted[0].message_id)
        day = posted[0].posted_on
        text = f"{number} was posted on {day}"
        raise NotAllowed(text, code="posted_already", message=number, day=day)
    return batch, found


async def _cancel(conn: AsyncConnection, room: PressRoom, wanted: set[int], actor: Actor) -> None:
    now = room.now()
    await move_all(
        conn, wanted, State.PRINTED, State.CANCELLED, Reason.BY_PERSON, actor=actor, now=now
    )


def _listed(room: PressRoom, batch_id: int, found: Sequence[pieces.PrintedPiece]) -> Path:
    """Beside the batch's folder, for the press."""
    path = room.folder / f"{batch_name(batch_id)}-withdrawn.csv"
    rows = [
        (p.serial, public_number(p.message_id), p.file, p.first_page)
        for p in found
        if p.withdrawn_at is not None
    ]
    write(path, withdrawals(rows, room.press.encoding))
    return path
