"""Batches of letters: those on record, and where their letters stand.

What is done with a batch (collect, cancel, hand over, …) is in ``notifier.printing``, which works
on files as well and so opens transactions of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotFound
from notifier.printing.context import PrintingContext
from notifier.printing.handover import note_dead_handovers
from notifier.store import batches as store
from notifier.store import pieces

from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchLine:
    """A batch."""

    batch_id: int
    posting_day: date | None
    state: BatchState
    pieces: int | None
    pages: int | None
    yen: int | None
    folder: str
    created_at: datetime
    handed_over_at: datetime | None
    created_by: str
    handed_over_by: str | None
    target: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A file of a batch."""

    name: str
    pieces: int
    pages: int
    size: int  # in bytes
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchDetail:
    """A batch with its files, and how many of its letters are in which state."""

    batch: BatchLine
    files: tuple[BatchFile, ...]
    counts: Mapping[str, int]


async def find_batches(room: PrintingContext) -> list[BatchLine]:
    """Return the newest batches; what a hand-over has left half done is settled first."""
    await note_dead_handovers(room)
    async with room.engine.connect() as conn:
        return [value_of(BatchLine, r) for r in await store.search(conn)]


async def show_batch(room: PrintingContext, batch_id: int) -> BatchDetail:
    """Return a batch. Raises :class:`NotFound`."""
    await note_dead_handovers(room)
    async with room.engine.connect() as conn:
        found = await store.get(conn, batch_id)
        if found is None:
            raise NotFound("batch", batch_name(batch_id))
        files = await pieces.files(conn, batch_id)
        counts = await pieces.counts(conn, batch_id)
    listed = [
        BatchFile(name=f.name, pieces=f.pieces, pages=f.pages, size=f.size, sha256=f.sha256.hex())
        for f in files
    ]
    return BatchDetail(batch=value_of(BatchLine, found), files=tuple(listed), counts=counts)
