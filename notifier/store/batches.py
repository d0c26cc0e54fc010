"""Batches: letters on their way to the press, and the pieces in them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.reasons import Reason

from .db import row, rows, run, scalar
from .documents import ARCHIVED
from .packing import Codec

_COLLECTING = 7_305_182_407  # any constant: one collection at a time

_PRINT = f"""
WITH given AS (
    SELECT *, CAST(NULL AS bigint) AS dictionary_id
    FROM unnest(CAST(:ids AS bigint[]), CAST(:serials AS integer[]),
        CAST(:files AS text[]), CAST(:pages AS integer[]), CAST(:digests AS text[]),
        CAST(:hashes AS bytea[]), CAST(:sizes AS integer[]), CAST(:bodies AS bytea[]))
        AS g(message_id, serial, file, pages, digest, sha256, size, body)
), moved AS (
    UPDATE messages m SET state = 'printed', reason = :reason, updated_at = :now,
        attempts = m.attempts + 1, template_digest = given.digest
    FROM given WHERE m.message_id = given.message_id AND m.state = 'queued'
    RETURNING m.message_id, m.case_id, m.attempts, m.fence, m.created_at
), tried AS (
    INSERT INTO attempts (created_at, message_id, number, worker_id, fence, relay,
        template_digest, sha256, size, outcome, finished_at)
    SELECT :now, message_id, moved.attempts, :worker, moved.fence, :folder, digest, sha256, size,
        'printed', :now
    FROM moved JOIN given USING (message_id)
    RETURNING attempt_id, message_id
), {ARCHIVED}, listed AS (
    INSERT INTO pieces (message_id, batch_id, serial, file, first_page, pages, sha256)
    SELECT message_id, :batch, serial, file, 1, pages, sha256
    FROM moved JOIN given USING (message_id)
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, case_id, attempt_id, before, after, reason)
    SELECT :now, 'move', :actor, message_id, case_id, attempt_id, 'queued', 'printed', :reason
    FROM moved JOIN tried USING (message_id)
)
SELECT message_id FROM moved
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A letter in its envelope."""

    message_id: int
    serial: int  # 1-based, in the order of the manifest
    file: str  # in the batch's folder
    pages: int
    digest: str  # of its template version
    sha256: bytes  # of the PDF
    size: int
    body: bytes  # the PDF, packed


@asynccontextmanager
async def collecting(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Hold the right to collect letters; False when somebody else is collecting."""
    async with engine.connect() as conn:
        held = bool(await scalar(conn, "SELECT pg_try_advisory_lock(:key)", {"key": _COLLECTING}))
        await conn.commit()
        try:
            yield held
        finally:
            if held:
                await run(conn, "SELECT pg_advisory_unlock(:key)", {"key": _COLLECTING})
                await conn.commit()


async def due(conn: AsyncConnection, *, now: datetime, limit: int) -> list[int]:
    """Queued letters that are due, the oldest first."""
    found = await rows(
        conn,
        """SELECT message_id FROM messages
           WHERE state = 'queued' AND channel = 'letter' AND next_attempt_at <= :now
             AND expires_at > :now
           ORDER BY message_id LIMIT :limit""",
        {"now": now, "limit": limit},
    )
    return [r["message_id"] for r in found]


async def open_batch(conn: AsyncConnection, *, actor: Actor, now: datetime) -> int:
    """A batch begins; its id."""
    made = await scalar(
        conn,
        """INSERT INTO batches (state, folder, created_at, created_by)
           VALUES ('open', '', :now, :actor) RETURNING batch_id""",
        {"now": now, "actor": str(actor)},
    )
    return int(made)


async def abandoned(conn: AsyncConnection) -> list[int]:
    """Batches whose collection broke off. Call while holding the right to collect."""
    found = await rows(conn, "SELECT batch_id FROM batches WHERE state = 'open' ORDER BY batch_id")
    return [r["batch_id"] for r in found]


async def cancel(conn: AsyncConnection, batch_id: int) -> None:
    """A batch comes to nothing."""
    await run(conn, "UPDATE batches SET state = 'cancelled' WHERE batch_id = :id", {"id": batch_id})


async def still_queued(conn: AsyncConnection, ids: Sequence[int]) -> set[int]:
    """Which of the letters are still to be printed; they are held to the end of the transaction."""
    found = await rows(
        conn,
        """SELECT message_id FROM messages
           WHERE message_id = ANY(CAST(:ids AS bigint[])) AND state = 'queued'
           ORDER BY message_id FOR UPDATE""",
        {"ids": list(ids)},
    )
    return {r["message_id"] for r in found}


async def add_pieces(
    conn: AsyncConnection,
    batch_id: int,
    pieces: Sequence[Piece],
    *,
    folder: str,
    worker_id: UUID,
    actor: Actor,
    now: datetime,
) -> int:
    """Print letters into a batch: state, attempt, bytes, shown values, piece; how many."""
    found = await rows(
        conn,
        _PRINT,
        {
            "ids": [p.message_id for p in pieces],
            "serials": [p.serial for p in pieces],
            "files": [p.file for p in pieces],
            "pages": [p.pages for p in pieces],
            "digests": [p.digest for p in pieces],
            "hashes": [p.sha256 for p in pieces],
            "sizes": [p.size for p in pieces],
            "bodies": [p.body for p in pieces],
            "batch": batch_id,
            "folder": folder,
            "worker": worker_id,
            "codec": Codec.PLAIN,
            "reason": Reason.PRINTED,
            "actor": str(actor),
            "now": now,
        },
    )
    return len(found)


async def close(
    conn: AsyncConnection, batch_id: int, *, folder: str, manifest_sha256: bytes
) -> None:
    """A batch is complete and its files are in place."""
    await run(
        conn,
        """UPDATE batches b SET state = 'printed', folder = :folder,
               manifest_sha256 = :manifest, pieces = p.pieces, pages = p.pages
           FROM (SELECT count(*) AS pieces, coalesce(sum(pages), 0) AS pages
                 FROM pieces WHERE batch_id = :id) p
           WHERE b.batch_id = :id""",
        {"id": batch_id, "folder": folder, "manifest": manifest_sha256},
    )


async def hand_over(conn: AsyncConnection, batch_id: int, *, actor: Actor, now: datetime) -> bool:
    """The press has a batch; False when it is not a printed one."""
    done = await run(
        conn,
        """UPDATE batches SET state = 'handed_over', handed_over_at = :now,
               handed_over_by = :actor
           WHERE batch_id = :id AND state = 'printed'""",
        {"id": batch_id, "now": now, "actor": str(actor)},
    )
    return done == 1


async def get(conn: AsyncConnection, batch_id: int, *, lock: bool = False) -> RowMapping | None:
    """One batch; with ``lock`` it is held to the end of the transaction."""
    tail = " FOR UPDATE" if lock else ""
    return await row(conn, f"SELECT * FROM batches WHERE batch_id = :id{tail}", {"id": batch_id})


async def search(conn: AsyncConnection, *, limit: int = 50) -> Sequence[RowMapping]:
    """The newest batches."""
    return await rows(
        conn, "SELECT * FROM batches ORDER BY batch_id DESC LIMIT :limit", {"limit": limit}
    )


async def pieces(conn: AsyncConnection, batch_id: int) -> Sequence[RowMapping]:
    """The pieces of a batch with the states of their letters, in order."""
    return await rows(
        conn,
        """SELECT p.*, m.state FROM pieces p JOIN messages m USING (message_id)
           WHERE p.batch_id = :id ORDER BY p.serial""",
        {"id": batch_id},
    )
