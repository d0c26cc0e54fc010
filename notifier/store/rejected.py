"""Rejected entries of the intake stream: kept as received, with the reason, to be replayed."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor

from .db import dumps, row, rows, run


async def add(
    conn: AsyncConnection,
    origin: str,
    origin_id: str,
    payload: bytes,
    errors: Sequence[dict[str, Any]],
    *,
    event: tuple[str, str] | None = None,
    now: datetime,
) -> bool:
    """Keep an entry; False when it is on record already (a redelivery).

    ``event``: source and id of the event in it, where they could be read.
    """
    source, event_id = event or (None, None)
    added = await run(
        conn,
        """INSERT INTO rejected_entries (origin, origin_id, payload, errors, received_at,
               source, id)
           VALUES (:origin, :origin_id, :payload, CAST(:errors AS jsonb), :now, :source, :id)
           ON CONFLICT (origin, origin_id) DO NOTHING""",
        {
            "origin": origin,
            "origin_id": origin_id,
            "payload": payload,
            "errors": dumps(list(errors)),
            "now": now,
            "source": source,
            "id": event_id,
        },
    )
    return added == 1


async def pending(conn: AsyncConnection, limit: int) -> Sequence[RowMapping]:
    """Entries that were not replayed yet, oldest first."""
    return await rows(
        conn,
        """SELECT entry_id, origin, origin_id, errors, received_at FROM rejected_entries
           WHERE replayed_at IS NULL ORDER BY entry_id LIMIT :limit""",
        {"limit": limit},
    )


async def get(conn: AsyncConnection, entry_id: int) -> RowMapping | None:
    """One entry as received."""
    return await row(conn, "SELECT * FROM rejected_entries WHERE entry_id = :id", {"id": entry_id})


async def replayed(conn: AsyncConnection, entry_id: int, *, actor: Actor, now: datetime) -> None:
    """Note that an entry went in after all."""
    await run(
        conn,
        """UPDATE rejected_entries SET replayed_at = :now, replayed_by = :actor
           WHERE entry_id = :id""",
        {"id": entry_id, "now": now, "actor": str(actor)},
    )
