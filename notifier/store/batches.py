"""Batches: letters on their way to the press. What is in them is in :mod:`.pieces`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.batch import BatchState

from .db import fetch, fetch_one, rows, run, scalar


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch as it stands; its manifest and postage are known once its files are in place."""

    batch_id: int
    state: BatchState
    folder: str
    pieces: int
    pages: int
    manifest_sha256: bytes
    created_at: datetime
    created_by: str
    handed_over_at: datetime | None
    handed_over_by: str | None
    posting_day: date
    revision: int
    yen: int
    target: str


_AT_THE_PRESS = 7_305_182_407  # any constant: one collection or hand-over at a time

_TRY_LOCK = "SELECT pg_try_advisory_lock(:key)"

_UNLOCK = "SELECT pg_advisory_unlock(:key)"

_OPEN_BATCH = """
INSERT INTO batches (state, folder, posting_day, created_at, created_by)
VALUES ('open', '', :day, :now, :actor) RETURNING batch_id
"""

_BROKEN_OFF = "SELECT batch_id FROM batches WHERE state = :state ORDER BY batch_id FOR UPDATE"

_SOME_HANDED_OVER_NOW = "SELECT EXISTS (SELECT FROM batches WHERE state = 'handing_over')"

_FOLDERS = "SELECT folder FROM batches WHERE state NOT IN ('open', 'cancelled')"

_CLOSE = """
UPDATE batches b SET state = 'printed', folder = :folder, revision = :revision,
    manifest_sha256 = :manifest, pieces = p.pieces, pages = p.pages, yen = :yen
FROM (SELECT count(*) AS pieces, coalesce(sum(pages), 0) AS pages
      FROM pieces WHERE batch_id = :id AND taken_out_at IS NULL) p
WHERE b.batch_id = :id
"""

_MOVE = """
UPDATE batches SET state = :after
WHERE batch_id = :id AND state = ANY(CAST(:before AS text[]))
"""

_HAND_OVER = """
UPDATE batches SET state = 'handing_over', handed_over_at = :now,
    handed_over_by = :actor, target = :target
WHERE batch_id = :id AND state = 'printed'
"""

_ALL_POSTED = """
UPDATE batches SET state = 'posted' WHERE batch_id = :id AND state = 'handed_over'
AND NOT EXISTS (
    SELECT FROM pieces p JOIN messages m USING (message_id)
    WHERE p.batch_id = :id AND p.taken_out_at IS NULL
      AND m.attempts = p.attempt AND m.state = 'handed_over')
"""

_SEARCH = "SELECT * FROM batches ORDER BY batch_id DESC LIMIT :limit"


@asynccontextmanager
async def at_the_press(engine: AsyncEngine) -> AsyncIterator[bool]:
    """Hold the right to collect, rebuild and hand over; False when somebody else does so."""
    async with engine.connect() as conn:
        held = bool(await scalar(conn, _TRY_LOCK, {"key": _AT_THE_PRESS}))
        await conn.commit()
        try:
            yield held
        finally:
            if held:
                await run(conn, _UNLOCK, {"key": _AT_THE_PRESS})
                await conn.commit()


async def open_batch(
    conn: AsyncConnection, *, posting_day: date, actor: Actor, now: datetime
) -> int:
    """A batch begins; its id."""
    made = await scalar(conn, _OPEN_BATCH, {"day": posting_day, "now": now, "actor": str(actor)})
    return int(made)


async def broken_off(conn: AsyncConnection, state: BatchState) -> list[int]:
    """Batches in a state that only lasts while somebody works on them: open or handing over.

    Call while holding the right to do so.
    """
    found = await rows(
        conn, _BROKEN_OFF,
        {"state": state},
    )  # fmt: skip
    return [r["batch_id"] for r in found]


async def some_handed_over_now(conn: AsyncConnection) -> bool:
    """Whether a hand-over is going on, or was left."""
    return bool(await scalar(conn, _SOME_HANDED_OVER_NOW))


async def folders(conn: AsyncConnection) -> set[str]:
    """Names of the folders that stand for a batch that has not come to nothing."""
    found = await rows(conn, _FOLDERS)
    return {r["folder"] for r in found}


async def close(
    conn: AsyncConnection,
    batch_id: int,
    *,
    folder: str,
    revision: int,
    manifest_sha256: bytes,
    yen: int,
) -> None:
    """The files of a batch are in place; it is counted by its pieces.

    ``yen``: postage of all together.
    """
    await run(
        conn,
        _CLOSE,
        {
            "id": batch_id,
            "folder": folder,
            "revision": revision,
            "manifest": manifest_sha256,
            "yen": yen,
        },
    )


async def move(
    conn: AsyncConnection, batch_id: int, after: BatchState, *before: BatchState
) -> bool:
    """A batch changes its state; False when it was in none of ``before``."""
    done = await run(conn, _MOVE, {"id": batch_id, "after": after, "before": list(before)})
    return done == 1


async def hand_over(
    conn: AsyncConnection, batch_id: int, *, target: str, actor: Actor, now: datetime
) -> bool:
    """From now on the press may have a batch; False when it is not a printed one."""
    done = await run(
        conn, _HAND_OVER, {"id": batch_id, "now": now, "actor": str(actor), "target": target}
    )
    return done == 1


async def all_posted(conn: AsyncConnection, batch_id: int) -> bool:
    """Note that of all pieces of a batch it is known what became of them; whether it is so."""
    done = await run(conn, _ALL_POSTED, {"id": batch_id})
    return done == 1


async def get(conn: AsyncConnection, batch_id: int, *, lock: bool = False) -> Batch | None:
    """One batch; with ``lock`` it is held to the end of the transaction."""
    tail = " FOR UPDATE" if lock else ""
    return await fetch_one(
        conn, Batch, f"SELECT * FROM batches WHERE batch_id = :id{tail}", {"id": batch_id}
    )


async def count_files(conn: AsyncConnection, batch_id: int) -> int:
    """How many files of letters a batch has."""
    sql = "SELECT count(DISTINCT file) FROM pieces WHERE batch_id = :id"
    return int(await scalar(conn, sql, {"id": batch_id}))


async def search(conn: AsyncConnection, *, limit: int = 50) -> Sequence[Batch]:
    """The newest batches."""
    return await fetch(conn, Batch, _SEARCH, {"limit": limit})
