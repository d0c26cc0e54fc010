"""Taking letters out of a batch: those that were stopped, withdrawn ones, or all of them."""

import asyncio
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.archive.letters import LetterWriter, packed, stationery_of, writer_for
from notifier.files import make_folder
from notifier.logs import get_logger
from notifier.model.actor import Actor, system
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import message_number, public_number
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import batches, pieces
from notifier.store.pieces import BatchFile

from .context import PrintingContext, busy, chunks, hold_lost, in_state, move_all, not_as_recorded
from .drafting import envelope_of, yen_of_all
from .folder import add_lists, clear, folder_name, place, working, write
from .manifest import Entry, withdrawals
from .volumes import Leaf, Volume, entries, intact, leaf, without

log = get_logger(__name__)


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


async def rebuild(context: PrintingContext, batch_id: int) -> int:
    """Take stopped letters out of a printed batch; how many there were.

    Files that held one are bound anew, lists and numbers made anew, all in a new folder; the old
    one goes when the new one is on record. A batch of which nothing is left comes to nothing.
    Call while holding the press. Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    taken: set[int] = set()
    while True:
        async with context.engine.begin() as conn:
            batch = await printed_batch(conn, batch_id)
            gone = stopped(found := await pieces.of_batch(conn, batch_id))
            if len(gone) == len(found):
                await batches.move(conn, batch_id, BatchState.CANCELLED, BatchState.PRINTED)
                await pieces.take_out(conn, batch_id, gone, now=context.now())
        if len(gone) == len(found):
            await asyncio.to_thread(clear, context.folder / batch.folder)
            return len(gone)
        if not gone:
            return len(taken)
        if await _Rebuild.run(context, batch, found, gone):
            taken |= gone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rebuild:
    context: PrintingContext
    batch: batches.Batch
    gone: Collection[int]
    old: Path
    new: Path

    @classmethod
    async def run(
        cls,
        context: PrintingContext,
        batch: batches.Batch,
        found: Sequence[pieces.PrintedPiece],
        gone: Collection[int],
    ) -> bool:
        """One attempt; False if more letters are stopped now, some that cannot be bound anew."""
        revision = batch.revision + 1
        work = cls(
            context=context,
            batch=batch,
            gone=gone,
            old=context.folder / batch.folder,
            new=context.folder / folder_name(batch.batch_id, revision),
        )
        async with context.engine.connect() as conn:
            volumes, writer = await work._volumes(conn, found)
        await asyncio.to_thread(work._begin, [v.file for v in volumes])
        aside = working(work.new)
        made = await asyncio.to_thread(without, volumes, gone, aside, writer)
        if made.lost:
            await hold_lost(context, made.lost, State.PRINTED, actor=system("press"))
            return False
        return await work._finish(made.volumes, writer, revision)

    async def _volumes(
        self, conn: AsyncConnection, found: Sequence[pieces.PrintedPiece]
    ) -> tuple[list[Volume], LetterWriter]:
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
        return volumes, await writer_for(conn, kinds, self.context.drafter.writer)

    def _begin(self, files: Sequence[BatchFile]) -> None:
        """The files that stay as they are stand in both folders for a while."""
        clear(self.new)
        aside = working(self.new)
        make_folder(aside)
        for one in files:
            if not intact(one, self.old):
                raise not_as_recorded(self.old / one.name)
            os.link(self.old / one.name, aside / one.name)

    async def _finish(self, made: Sequence[Volume], writer: LetterWriter, revision: int) -> bool:
        press, stationery, day = self.context.press, writer.stationery, self.batch.posting_day
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
        async with self.context.engine.begin() as conn:
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
        await pieces.take_out(conn, self._id, self.gone, now=self.context.now())
        for some in chunks(listed):
            await pieces.replace(conn, self._id, [_place_of(e) for e in some])
        await pieces.set_files(conn, self._id, [v.file for v in made])

    @property
    def _id(self) -> int:
        return int(self.batch.batch_id)


def _place_of(entry: Entry) -> dict[str, object]:
    return {
        "message_id": message_number(entry.number),
        "serial": entry.serial,
        "file": entry.file,
        "first_page": entry.first_page,
        "yen": entry.yen,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawn:
    """What became of pieces that are not to be posted."""

    taken_out: int = 0  # of a batch that was not handed over
    listing: Path | None = None  # for the press: all of the batch that it must not post


async def cancel(context: PrintingContext, batch_id: int, *, for_good: bool, actor: Actor) -> int:
    """A printed batch comes to nothing; how many letters are queued again.

    With ``for_good`` they are cancelled. Letters that were stopped before stay as they are.
    Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    now = context.now()
    after = (State.CANCELLED, Reason.BY_PERSON) if for_good else (State.QUEUED, Reason.TAKEN_BACK)
    async with context.engine.begin() as conn:
        batch = await printed_batch(conn, batch_id)
        found = await pieces.of_batch(conn, batch_id, lock=True)
        ids = {p.message_id for p in found} - stopped(found)
        moved = await move_all(conn, ids, State.PRINTED, *after, actor=actor, now=now)
        await batches.move(conn, batch_id, BatchState.CANCELLED, BatchState.PRINTED)
    await asyncio.to_thread(clear, context.folder / batch.folder)
    return len(moved)


async def withdraw(
    context: PrintingContext, batch_id: int, message_ids: Iterable[int], *, actor: Actor
) -> Withdrawn:
    """Pieces are not to be posted.

    Before the hand-over their letters are cancelled and taken out of the files; after it they are
    put on the list that the press gets, and its acknowledgement says what became of them. Raises
    :class:`NotFound` and :class:`NotAllowed`.
    """
    async with batches.at_the_press(context.engine) as free:
        if not free:
            raise busy()
        wanted = set(message_ids)
        async with context.engine.begin() as conn:
            batch, found = await _of(conn, batch_id, wanted)
            if batch.state == BatchState.PRINTED:
                await _cancel(conn, context, wanted - stopped(found), actor)
            else:
                await pieces.withdraw(conn, batch_id, wanted, actor=actor, now=context.now())
                found = await pieces.of_batch(conn, batch_id)
        if batch.state == BatchState.PRINTED:
            return Withdrawn(taken_out=await rebuild(context, batch_id))
        return Withdrawn(listing=await asyncio.to_thread(_listed, context, batch_id, found))


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


async def _cancel(
    conn: AsyncConnection, context: PrintingContext, wanted: set[int], actor: Actor
) -> None:
    now = context.now()
    await move_all(
        conn, wanted, State.PRINTED, State.CANCELLED, Reason.BY_PERSON, actor=actor, now=now
    )


def _listed(context: PrintingContext, batch_id: int, found: Sequence[pieces.PrintedPiece]) -> Path:
    """Beside the batch's folder, for the press."""
    path = context.folder / f"{batch_name(batch_id)}-withdrawn.csv"
    rows = [
        (p.serial, public_number(p.message_id), p.file, p.first_page)
        for p in found
        if p.withdrawn_at is not None
    ]
    write(path, withdrawals(rows, context.press.encoding))
    return path
