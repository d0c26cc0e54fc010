"""Rebuilding: letters that were stopped are taken out of a batch before it is handed over."""

import asyncio
import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.files import make_folder
from notifier.model.actor import system
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotFound
from notifier.model.message import message_number
from notifier.model.states import State
from notifier.store import batches, pieces
from notifier.store.pieces import BatchFile

from .again import packed, writer_for
from .folder import add_lists, clear, folder_name, place, working
from .holding import hold
from .inputs import stationery_of
from .mailing import envelope_of, yen_of_all
from .manifest import Entry
from .room import PressRoom, chunks, in_state, not_as_recorded
from .volumes import Leaf, Volume, entries, intact, leaf, without
from .writing import Writer

log = structlog.get_logger(__name__)


async def printed_batch(conn: AsyncConnection, batch_id: int) -> batches.Batch:
    """A batch that is printed and not handed over, held to the end of the transaction.

    Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    batch = await batches.get(conn, batch_id, lock=True)
    if batch is None:
        raise NotFound("batch", batch_name(batch_id))
    if batch.state != BatchState.PRINTED:
        raise in_state(batch)
    return batch


def stopped(found: Sequence[pieces.PrintedPiece]) -> set[int]:
    """Which letters of a printed batch are not to be posted with it."""
    return {p.message_id for p in found if not (p.its_own and p.state == State.PRINTED)}


async def rebuild(room: PressRoom, batch_id: int) -> int:
    """Take stopped letters out of a printed batch; how many there were.

    Files that held one are bound anew, lists and numbers made anew, all in a new folder; the old
    one goes when the new one is on record. A batch of which nothing is left comes to nothing.
    Call while holding the press. Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    taken: set[int] = set()
    while True:
        async with room.engine.begin() as conn:
            batch = await printed_batch(conn, batch_id)
            gone = stopped(found := await pieces.of_batch(conn, batch_id))
            if len(gone) == len(found):
                await batches.move(conn, batch_id, BatchState.CANCELLED, BatchState.PRINTED)
                await pieces.take_out(conn, batch_id, gone, now=room.now())
        if len(gone) == len(found):
            await asyncio.to_thread(clear, room.folder / batch.folder)
            return len(gone)
        if not gone:
            return len(taken)
        if await _Rebuild.run(room, batch, found, gone):
            taken |= gone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rebuild:
    room: PressRoom
    batch: batches.Batch
    gone: Collection[int]
    old: Path
    new: Path

    @classmethod
    async def run(
        cls,
        room: PressRoom,
        batch: batches.Batch,
        found: Sequence[pieces.PrintedPiece],
        gone: Collection[int],
    ) -> bool:
        """One attempt; False if more letters are stopped now, some that cannot be bound anew."""
        revision = batch.revision + 1
        work = cls(
            room=room,
            batch=batch,
            gone=gone,
            old=room.folder / batch.folder,
            new=room.folder / folder_name(batch.batch_id, revision),
        )
        async with room.engine.connect() as conn:
            volumes, writer = await work._volumes(conn, found)
        await asyncio.to_thread(work._begin, [v.file for v in volumes])
        aside = working(work.new)
        made = await asyncio.to_thread(without, volumes, gone, aside, writer)
        if made.lost:
            await hold(room, made.lost, State.PRINTED, actor=system("press"))
            return False
        return await work._finish(made.volumes, writer, revision)

    async def _volumes(
        self, conn: AsyncConnection, found: Sequence[pieces.PrintedPiece]
    ) -> tuple[list[Volume], Writer]:
        """The batch as it stands, from the archive, and who writes its letters."""
        leaves: dict[str, list[Leaf]] = {}
        kinds: dict[str, bytes] = {}
        for some in chunks(found):
            ids = [p.message_id for p in some]
            rows = {r.message_id: r for r in await pieces.inputs(conn, self._id, ids)}
            for piece in some:
                kept = packed(rows[piece.message_id])
                c = kept.letter()
                kinds.setdefault(kept.digest, kept.inputs)
                envelope = envelope_of(c, stationery_of(kept.inputs))
                where = (piece.pages, piece.first_page)
                one = leaf(piece.message_id, c, kept, envelope, *where)
                leaves.setdefault(piece.file, []).append(one)
        files = await pieces.files(conn, self._id)
        volumes = [
            Volume(name=f.name, leaves=tuple(leaves[f.name]), size=f.size, sha256=f.sha256)
            for f in files
        ]
        return volumes, await writer_for(conn, kinds, self.room.desk.writer)

    def _begin(self, files: Sequence[BatchFile]) -> None:
        """The files that stay as they are stand in both folders for a while."""
        clear(self.new)
        aside = working(self.new)
        make_folder(aside)
        for one in files:
            if not intact(one, self.old):
                raise not_as_recorded(self.old / one.name)
            os.link(self.old / one.name, aside / one.name)

    async def _finish(self, made: Sequence[Volume], writer: Writer, revision: int) -> bool:
        press, stationery, day = self.room.press, writer.stationery, self.batch.posting_day
        listed = entries(made, press, stationery, day)
        yen = yen_of_all(day, listed)
        digest, _ = await asyncio.to_thread(
            add_lists,
            working(self.new),
            listed,
            {v.name: v.sha256.hex() for v in made},
            posting_day=day,
            yen=yen,
            encoding=press.encoding,
        )
        async with self.room.engine.begin() as conn:
            await printed_batch(conn, self._id)
            if stopped(await pieces.of_batch(conn, self._id, lock=True)) != set(self.gone):
                return False
            await self._record(conn, made, listed)
            await batches.close(
                conn,
                self._id,
                folder=self.new.name,
                revision=revision,
                manifest_sha256=digest,
                yen=yen,
            )
            await asyncio.to_thread(place, working(self.new), self.new)
        await asyncio.to_thread(clear, self.old)
        log.info("batch rebuilt", batch=self._id, revision=revision, taken_out=len(self.gone))
        return True

    async def _record(
        self, conn: AsyncConnection, made: Sequence[Volume], listed: Sequence[Entry]
    ) -> None:
        await pieces.take_out(conn, self._id, self.gone, now=self.room.now())
        for some in chunks(listed):
            await pieces.replace(conn, self._id, [_place(e) for e in some])
        await pieces.set_files(conn, self._id, [v.file for v in made])

    @property
    def _id(self) -> int:
        return int(self.batch.batch_id)


def _place(entry: Entry) -> dict[str, object]:
    return {
        "message_id": message_number(entry.number),
        "serial": entry.serial,
        "file": entry.file,
        "first_page": entry.first_page,
        "yen": entry.yen,
    }
