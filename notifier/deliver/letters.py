"""Letters: collected into a batch folder for the press.

The files stand in their folder, on the disk, before the record calls a letter printed. A
collection that breaks off leaves letters queued; the next one clears away what it left.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.decide.calendar import japan_date
from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed
from notifier.model.states import State
from notifier.store import batches, compose, documents, messages, tasks
from notifier.store.batches import Piece
from notifier.store.messages import Move

from . import alarms
from .compose import Unsendable
from .folder import Kept, batch_name, entry, finish, keep, piece
from .manifest import Entry, manifest
from .render import Renderer

log = structlog.get_logger(__name__)

#: Letters in one batch, unless asked otherwise.
MOST: Final = 10_000
_CHUNK: Final = 100  # letters in memory at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as collected."""

    batch_id: int
    folder: Path
    pieces: int
    pages: int
    held: int  # letters that could not be written


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Collects letters for whoever prints them."""

    engine: AsyncEngine
    renderer: Renderer
    folder: Path  # of all batches
    now: Callable[[], datetime]

    async def collect(self, *, actor: Actor, most: int = MOST) -> Batch | None:
        """Write what is due into a batch; None if nothing was.

        Raises :class:`NotAllowed` while somebody else is collecting. A letter that cannot be
        written is held, with a task; the others go on.
        """
        async with batches.collecting(self.engine) as free:
            if not free:
                raise NotAllowed("another batch is being collected")
            await self._clear_away()
            # Whatever is published meanwhile, a batch is of one edition.
            pinned = replace(self, renderer=await self.renderer.pinned())
            return await pinned._collect(actor, most)  # noqa: SLF001 (its own)

    async def _clear_away(self) -> None:
        async with self.engine.begin() as conn:
            for batch_id in await batches.abandoned(conn):
                for folder in (self._working(batch_id), self.folder / batch_name(batch_id)):
                    await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
                await batches.cancel(conn, batch_id)
                log.warning("batch cleared away", batch=batch_id)

    async def _collect(self, actor: Actor, most: int) -> Batch | None:
        async with self.engine.begin() as conn:
            due = await batches.due(conn, now=self.now(), limit=most)
            if not due:
                return None
            batch_id = await batches.open_batch(conn, actor=actor, now=self.now())
        working = self._working(batch_id)
        working.mkdir(parents=True)
        kept: list[Kept] = []
        lost: list[tuple[int, str, Unsendable]] = []
        for start in range(0, len(due), _CHUNK):
            await self._write(due[start : start + _CHUNK], working, kept, lost)
        if lost:
            await self._hold(lost, actor)
        kept.sort(key=lambda k: (k.postcode, k.message_id))
        return await self._close(batch_id, kept, len(lost), actor)

    async def _write(
        self,
        ids: Sequence[int],
        working: Path,
        kept: list[Kept],
        lost: list[tuple[int, str, Unsendable]],
    ) -> None:
        now = self.now()
        async with self.engine.begin() as conn:
            found = await compose.load(conn, ids, today=japan_date(now))
        for message_id in ids:
            try:
                sheet = await asyncio.to_thread(self.renderer.letter, found[message_id], now=now)
            except Unsendable as error:
                lost.append((message_id, found[message_id]["notice"], error))
            else:
                kept.append(keep(sheet, working))

    async def _hold(self, lost: Sequence[tuple[int, str, Unsendable]], actor: Actor) -> None:
        now = self.now()
        queued = (State.QUEUED,)
        asked = [
            Move(message_id=m, after=State.HELD, reason=error.reason, only_from=queued)
            for m, _, error in lost
        ]
        async with self.engine.begin() as conn:
            moved = set(await messages.move(conn, asked, actor=actor, now=now))
            drafts = [alarms.held(*one) for one in lost if one[0] in moved]
            await tasks.raise_all(conn, drafts, actor=actor, now=now)

    async def _close(
        self, batch_id: int, kept: Sequence[Kept], held: int, actor: Actor
    ) -> Batch | None:
        """Files first, then the record; what was cancelled meanwhile is in neither."""
        working, name = self._working(batch_id), batch_name(batch_id)
        async with self.engine.begin() as conn:
            queued = await batches.still_queued(conn, [k.message_id for k in kept])
            final = [k for k in kept if k.message_id in queued]
            if not final:
                await batches.cancel(conn, batch_id)
                await asyncio.to_thread(shutil.rmtree, working, ignore_errors=True)
                return None
            entries = [entry(n, k) for n, k in enumerate(final, start=1)]
            listing = manifest(entries)
            await asyncio.to_thread(finish, working, self.folder / name, final, entries, listing)
            await self._record(conn, batch_id, final, entries, actor)
            digest = hashlib.sha256(listing).digest()
            await batches.close(conn, batch_id, folder=name, manifest_sha256=digest)
        return Batch(
            batch_id=batch_id,
            folder=self.folder / name,
            pieces=len(final),
            pages=sum(k.pages for k in final),
            held=held,
        )

    async def _record(
        self,
        conn: AsyncConnection,
        batch_id: int,
        final: Sequence[Kept],
        entries: Sequence[Entry],
        actor: Actor,
    ) -> None:
        now, who, name = self.now(), uuid4(), batch_name(batch_id)
        versions = {k.version.digest: k.version for k in final}
        await documents.register(conn, list(versions.values()), now=now)
        pairs = list(zip(final, entries, strict=True))
        for start in range(0, len(pairs), _CHUNK):
            chunk = pairs[start : start + _CHUNK]
            pieces = [piece(k, e, self.folder / name) for k, e in chunk]
            await _add(conn, batch_id, pieces, folder=name, who=who, actor=actor, now=now)

    def _working(self, batch_id: int) -> Path:
        return self.folder / f".{batch_name(batch_id)}"


async def _add(
    conn: AsyncConnection,
    batch_id: int,
    pieces: Sequence[Piece],
    *,
    folder: str,
    who: UUID,
    actor: Actor,
    now: datetime,
) -> None:
    added = await batches.add_pieces(
        conn, batch_id, pieces, folder=folder, worker_id=who, actor=actor, now=now
    )
    if added != len(pieces):
        raise RuntimeError(f"{len(pieces) - added} letters of batch {batch_id} were not queued")
