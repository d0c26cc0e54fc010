"""Rejected entries of the intake stream: kept as received, with the reason, to be replayed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor

from .db import dumps, fetch, fetch_one, run


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits for a person."""

    entry_id: int
    origin: str
    origin_id: str
    errors: Any
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as received."""

    entry_id: int
    origin: str
    origin_id: str
    payload: bytes
    errors: Any
    received_at: datetime
    replayed_at: datetime | None
    replayed_by: str | None
    masked: bool
    discarded_at: datetime | None
    discarded_by: str | None
    discard_reason: str | None
    source: str | None
    id: str | None


_ADD = """
INSERT INTO rejected_entries (origin, origin_id, payload, errors, masked, received_at,
    source, id)
VALUES (:origin, :origin_id, :payload, CAST(:errors AS jsonb), :masked, :now,
    :source, :id)
ON CONFLICT (origin, origin_id) DO NOTHING
"""

_PENDING = """
SELECT entry_id, origin, origin_id, errors, received_at FROM rejected_entries
WHERE replayed_at IS NULL AND discarded_at IS NULL ORDER BY entry_id LIMIT :limit
"""

_GET = "SELECT * FROM rejected_entries WHERE entry_id = :id"

_REPLAYED = """
WITH done AS (
    UPDATE rejected_entries SET replayed_at = :now, replayed_by = :actor
    WHERE entry_id = :id RETURNING entry_id)
INSERT INTO log (at, kind, actor, after, reason)
SELECT :now, 'rejected', :actor, 'replayed', CAST(entry_id AS text) FROM done
"""

_DISCARD = """
WITH done AS (
    UPDATE rejected_entries
    SET discarded_at = :now, discarded_by = :actor, discard_reason = :reason
    WHERE entry_id = :id AND replayed_at IS NULL AND discarded_at IS NULL
    RETURNING entry_id)
INSERT INTO log (at, kind, actor, after, reason)
SELECT :now, 'rejected', :actor, 'discarded', CAST(entry_id AS text) FROM done
"""

_FORGET = """
DELETE FROM rejected_entries WHERE entry_id IN (
    SELECT entry_id FROM rejected_entries
    WHERE (replayed_at IS NOT NULL OR discarded_at IS NOT NULL)
      AND coalesce(replayed_at, discarded_at) < :before
    ORDER BY coalesce(replayed_at, discarded_at) LIMIT :limit
    FOR UPDATE SKIP LOCKED)
"""


async def add(
    conn: AsyncConnection,
    origin: str,
    origin_id: str,
    payload: bytes,
    errors: Sequence[dict[str, Any]],
    *,
    masked: bool = False,
    event: tuple[str, str] | None = None,
    now: datetime,
) -> bool:
    """Keep an entry; False when it is on record already (a redelivery).

    ``masked``: the payload is not as received, for a card number stood in it. ``event``: source
    and id of the event in it, where they could be read.
    """
    source, event_id = event or (None, None)
    added = await run(
        conn,
        _ADD,
        {
            "origin": origin,
            "origin_id": origin_id,
            "payload": payload,
            "errors": dumps(list(errors)),
            "masked": masked,
            "now": now,
            "source": source,
            "id": event_id,
        },
    )
    return added == 1


async def pending(conn: AsyncConnection, limit: int) -> Sequence[PendingEntry]:
    """Entries that were neither replayed nor discarded yet, oldest first."""
    return await fetch(conn, PendingEntry, _PENDING, {"limit": limit})


async def get(conn: AsyncConnection, entry_id: int) -> Entry | None:
    """One entry as received."""
    return await fetch_one(conn, Entry, _GET, {"id": entry_id})


async def replayed(conn: AsyncConnection, entry_id: int, *, actor: Actor, now: datetime) -> None:
    """Note that an entry went in after all."""
    await run(conn, _REPLAYED, {"id": entry_id, "now": now, "actor": str(actor)})


async def discard(
    conn: AsyncConnection, entry_id: int, reason: str, *, actor: Actor, now: datetime
) -> bool:
    """Say that an entry will never go in, and why; False where it is settled already."""
    done = await run(
        conn, _DISCARD, {"id": entry_id, "reason": reason, "now": now, "actor": str(actor)}
    )
    return done == 1


async def forget(conn: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete entries that were replayed or discarded before a moment, the oldest; how many."""
    return await run(conn, _FORGET, {"before": before, "limit": limit})
