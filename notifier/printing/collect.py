"""Collecting: letters that are due become a batch.

The files stand in their folder, on the disk, before the record calls a letter printed. A
collection that breaks off leaves letters queued; the next one clears away what it left.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier import files
from notifier.archive.letters import PackedLetter
from notifier.delivery.compose import Lost, Unsendable
from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.batch import BatchState, batch_name
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.rules.calendar import JAPAN, business_day
from notifier.rules.open_days import Closures
from notifier.store import batches, closures, compose, documents, fallbacks, pieces
from notifier.store.compose import WantedMessage
from notifier.store.pieces import Piece

from .binding import bind_all, lost_all
from .context import PrintingContext, busy, chunks, hold_lost
from .drafting import Draft, LetterDrafter, envelope_of, yen_of_all
from .folder import add_lists, clear, file_name, place, sweep, working
from .manifest import Entry, Unmapped
from .volumes import Leaf, Volume, entries, leaf, renumbered, volume, without

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A batch whose files are in place."""

    batch_id: int
    volumes: Sequence[Volume]
    entries: Sequence[Entry]  # of all volumes, in order
    sha256: bytes  # of the manifest
    yen: int  # postage of all together


async def record(
    conn: AsyncConnection, batch: Finished, drafter: LetterDrafter, *, actor: Actor, now: datetime
) -> None:
    """Letters are printed, with their inputs in the archive and the files' hashes on record."""
    leaves = [x for v in batch.volumes for x in v.leaves]
    await documents.register(conn, drafter.versions(x.packed.digest for x in leaves), now=now)
    dictionaries = {x.packed.dictionary.sha256: x.packed.dictionary for x in leaves}
    kept = {
        digest: await documents.keep_dictionary(conn, one, now=now)
        for digest, one in sorted(dictionaries.items())
    }
    who, name = uuid4(), batch_name(batch.batch_id)
    for some in chunks(list(zip(leaves, batch.entries, strict=True))):
        given = [_piece(x, e, kept[x.packed.dictionary.sha256]) for x, e in some]
        added = await pieces.add(
            conn, batch.batch_id, given, name=name, worker_id=who, actor=actor, now=now
        )
        if added != len(given):
            raise RuntimeError(f"{len(given) - added} letters of {name} were not queued")
    await pieces.set_files(conn, batch.batch_id, [v.file for v in batch.volumes])
    await batches.close(
        conn,
        batch.batch_id,
        folder=name,
        revision=1,
        manifest_sha256=batch.sha256,
        yen=batch.yen,
    )


def _piece(leaf: Leaf, entry: Entry, dictionary_id: int) -> Piece:
    return Piece(
        message_id=leaf.message_id,
        serial=entry.serial,
        file=entry.file,
        first_page=entry.first_page,
        pages=entry.pages,
        grams=entry.grams,
        yen=entry.yen,
        digest=leaf.packed.digest,
        sha256=leaf.packed.sha256,
        size=leaf.packed.size,
        dictionary_id=dictionary_id,
        body=leaf.packed.body,
    )


#: Letters in one batch, unless asked otherwise.
MOST: Final = 50_000
_MORNING: Final = time(9)  # what is dated ahead is dated at the beginning of that day's work


#: Told of progress: batch id, letters done, letters in all.
Report = Callable[[int, int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as collected."""

    batch_id: int
    folder: Path
    posting_day: date
    pieces: int
    pages: int
    files: int
    yen: int  # postage
    held: int  # letters that could not be written
    unmapped: int  # characters that the encoding of the lists lacks


async def collect(
    context: PrintingContext, *, actor: Actor, most: int = MOST, report: Report | None = None
) -> Batch | None:
    """Bind what is due into a batch; None if nothing was.

    ``report`` is awaited once the batch is open, and after each file.

    Raises :class:`NotAllowed` while somebody else is at the press. A letter that cannot be
    written is held, with a task; the others go on.
    """
    async with batches.at_the_press(context.engine) as free:
        if not free:
            raise busy()
        await _clear_away(context)
        now = context.now()
        async with context.engine.begin() as conn:
            await fallbacks.stop_arrived(conn, actor=actor, now=now)
            closed = Closures(await closures.all_of(conn))
            day = business_day(now, context.press.cut_off, closed.is_open)
            morning = datetime.combine(day, time(), JAPAN)
            due = await pieces.due(conn, now=now, useful_at=morning, limit=most)
            if not due:
                return None
            batch_id = await batches.open_batch(conn, posting_day=day, actor=actor, now=now)
        # Whatever is published meanwhile, a batch is of one edition.
        context = replace(context, drafter=await context.drafter.pinned())
        if report:
            await report(batch_id, 0, len(due))
        return await _Job(context, batch_id, day, _dated(now, day), actor, report).run(due)


async def _clear_away(context: PrintingContext) -> None:
    """What broke off: open batches, and folders that no batch on record stands for."""
    async with context.engine.begin() as conn:
        for batch_id in await batches.broken_off(conn, BatchState.OPEN):
            await batches.move(conn, batch_id, BatchState.CANCELLED, BatchState.OPEN)
            log.warning("batch cleared away", batch=batch_id)
        known = await batches.folders(conn)
    await asyncio.to_thread(sweep, context.folder, known)


class _Job:
    """One collection."""

    def __init__(
        self,
        context: PrintingContext,
        batch_id: int,
        day: date,
        written_at: datetime,
        actor: Actor,
        report: Report | None = None,
    ) -> None:
        self._context, self._batch_id, self._day, self._actor = context, batch_id, day, actor
        self._report, self._done = report, 0
        self._written_at = written_at
        self._folder = context.folder / batch_name(batch_id)
        self._aside = working(self._folder)
        self._held = 0

    async def run(self, due: Sequence[int]) -> Batch | None:
        files.make_folder(self._aside)
        parts = list(chunks(await self._in_order(due), self._context.press.pieces_per_file))
        # One more than set type: what is set is checked and packed meanwhile.
        at_once = asyncio.Semaphore(self._context.press.processes + 1)

        async def bind(n: int, ids: Sequence[int]) -> list[Volume]:
            async with at_once:
                made = await self._bind(ids, file_name(self._batch_id, n))
            self._done += len(ids)
            if self._report:
                await self._report(self._batch_id, self._done, len(due))
            return made

        async with asyncio.TaskGroup() as group:
            work = [group.create_task(bind(n, ids)) for n, ids in enumerate(parts, start=1)]
        return await self._close([one for task in work for one in task.result()])

    async def _in_order(self, due: Sequence[int]) -> list[int]:
        """By postcode; what has none comes last, to be held."""
        order: list[tuple[str, int]] = []
        async with self._context.engine.connect() as conn:
            for ids in chunks(due):
                found = await pieces.contacts(conn, ids)
                order += [(_postcode(found[i]), i) for i in ids]
        return [message_id for _, message_id in sorted(order)]

    async def _bind(self, ids: Sequence[int], name: str) -> list[Volume]:
        async with self._context.engine.connect() as conn:
            marks = await pieces.marks(conn, ids)  # first: what changes after it is noticed
            found = await compose.load(conn, list(marks), today=self._day)
        given = [found[i] for i in ids if i in found]
        made, lost = await asyncio.to_thread(self._bound, given, marks, name)
        if lost:
            await hold_lost(self._context, lost, State.QUEUED, actor=self._actor)
            self._held += len(lost)
        return made

    def _bound(
        self, found: Sequence[WantedMessage], marks: Mapping[int, str], name: str
    ) -> tuple[list[Volume], list[Lost]]:
        drafts, lost = self._drafts(found)
        good, bound, faults = bind_all(self._context.drafter.writer, [d.c for d, _ in drafts])
        lost += lost_all([d for d, _ in drafts], faults)
        if bound is None:
            return [], lost
        leaves = [self._leaf(*drafts[n], marks) for n in good]
        return [volume(name, leaves, bound, self._aside)], lost

    def _leaf(self, draft: Draft, packed: PackedLetter, marks: Mapping[int, str]) -> Leaf:
        envelope = envelope_of(draft.c, self._context.drafter.writer.stationery)
        return leaf(draft.message_id, draft.c, packed, envelope, mark=marks[draft.message_id])

    def _drafts(
        self, found: Sequence[WantedMessage]
    ) -> tuple[list[tuple[Draft, PackedLetter]], list[Lost]]:
        """Letters with what is archived of them, and those of which neither can be made."""
        drafter = self._context.drafter
        drafts: list[tuple[Draft, PackedLetter]] = []
        lost: list[Lost] = []
        for row in found:
            try:
                draft = drafter.draft(row, written_at=self._written_at)
                drafts.append((draft, drafter.pack(draft.c)))
            except Unsendable as error:
                lost.append(Lost(row.message_id, row.notice, error))
            except Exception as error:  # noqa: BLE001 (one bad record holds up no other letter)
                name = type(error).__name__
                log.error("letter not drafted", message=row.message_id, error=name)
                broken = Unsendable(Reason.RENDER_FAILED, name)
                lost.append(Lost(row.message_id, row.notice, broken))
        # An address may have changed since the letters were put in order.
        drafts.sort(key=lambda d: (d[0].address.postcode, d[0].message_id))
        return drafts, lost

    async def _close(self, volumes: list[Volume]) -> Batch | None:
        """Files first, then the record; what was cancelled meanwhile is in neither.

        Letters are not locked while type is set: should one more be cancelled just then, it is
        taken out as well, and so on.
        """
        while volumes:
            volumes = renumbered(volumes, self._batch_id, self._aside)
            listed = entries(
                volumes, self._context.press, self._context.drafter.writer.stationery, self._day
            )
            yen = yen_of_all(self._day, listed)
            lacking = await self._record(volumes, listed, yen)
            if lacking is not None:
                return self._made(volumes, listed, yen, lacking)
            volumes = await self._without(volumes, await self._gone(volumes))
        async with self._context.engine.begin() as conn:
            await batches.move(conn, self._batch_id, BatchState.CANCELLED, BatchState.OPEN)
        await asyncio.to_thread(clear, self._folder)
        return None

    async def _without(self, volumes: list[Volume], gone: set[int]) -> list[Volume]:
        """Volumes without letters that are gone; what cannot be bound anew is held."""
        writer = self._context.drafter.writer
        while True:
            made = await asyncio.to_thread(without, volumes, gone, self._aside, writer)
            if not made.lost:
                return made.volumes
            await hold_lost(self._context, made.lost, State.QUEUED, actor=self._actor)
            self._held += len(made.lost)
            gone = gone | {x.message_id for x in made.lost}

    async def _gone(self, volumes: Sequence[Volume]) -> set[int]:
        async with self._context.engine.connect() as conn:
            return await _changed(conn, volumes)

    async def _record(
        self, volumes: Sequence[Volume], listed: Sequence[Entry], yen: int
    ) -> list[Unmapped] | None:
        """Put the files in their place and the batch on record; None: a letter was stopped."""
        sums = {v.name: v.sha256.hex() for v in volumes}
        digest, lacking = await asyncio.to_thread(
            add_lists,
            self._aside,
            listed,
            sums,
            posting_day=self._day,
            yen=yen,
            encoding=self._context.press.encoding,
        )
        finished = Finished(
            batch_id=self._batch_id, volumes=volumes, entries=listed, sha256=digest, yen=yen
        )
        async with self._context.engine.begin() as conn:
            if await _changed(conn, volumes, lock=True):
                return None
            await asyncio.to_thread(place, self._aside, self._folder)
            await record(
                conn, finished, self._context.drafter, actor=self._actor, now=self._context.now()
            )
        return lacking

    def _made(
        self,
        volumes: Sequence[Volume],
        listed: Sequence[Entry],
        yen: int,
        lacking: Sequence[Unmapped],
    ) -> Batch:
        return Batch(
            batch_id=self._batch_id,
            folder=self._folder,
            posting_day=self._day,
            pieces=len(listed),
            pages=sum(e.pages for e in listed),
            files=len(volumes),
            yen=yen,
            held=self._held,
            unmapped=len(lacking),
        )


async def _changed(
    conn: AsyncConnection, volumes: Sequence[Volume], *, lock: bool = False
) -> set[int]:
    """Letters that were stopped, or changed, since they were read."""
    read = {x.message_id: x.mark for v in volumes for x in v.leaves}
    now = await pieces.marks(conn, list(read), lock=lock)
    return {message_id for message_id, mark in read.items() if now.get(message_id) != mark}


def _dated(now: datetime, day: date) -> datetime:
    """When letters for a day are written: a letter bears the day on which it is posted."""
    here = now.astimezone(JAPAN)
    return here if here.date() == day else datetime.combine(day, _MORNING, JAPAN)


def _postcode(contact: bytes | None) -> str:
    """Of an address on record; what has none, or cannot be read, comes last, to be held."""
    try:
        address = orjson.loads(contact).get("address") if contact else None
        return str(address["postcode"]) if address else "~"
    except (ValueError, LookupError, TypeError, AttributeError):
        return "~"
