"""API keys: one source each; only the hash of the secret is kept."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor

from .db import row, rows, run


async def add(
    conn: AsyncConnection,
    key_id: str,
    source: str,
    secret_hash: bytes,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Register a key."""
    await run(
        conn,
        """INSERT INTO api_keys (key_id, source, secret_hash, created_at, created_by)
           VALUES (:key_id, :source, :hash, :now, :actor)""",
        {"key_id": key_id, "source": source, "hash": secret_hash, "now": now, "actor": str(actor)},
    )


async def get(conn: AsyncConnection, key_id: str) -> RowMapping | None:
    """A key that is in force: source and secret_hash."""
    return await row(
        conn,
        """SELECT key_id, source, secret_hash FROM api_keys
           WHERE key_id = :key_id AND revoked_at IS NULL""",
        {"key_id": key_id},
    )


async def everything(conn: AsyncConnection) -> Sequence[RowMapping]:
    """All keys, without their hashes."""
    return await rows(
        conn,
        """SELECT key_id, source, created_at, created_by, revoked_at FROM api_keys
           ORDER BY created_at""",
    )


async def revoke(conn: AsyncConnection, key_id: str, *, now: datetime) -> bool:
    """Put a key out of force; False when there was none."""
    done = await run(
        conn,
        "UPDATE api_keys SET revoked_at = :now WHERE key_id = :key_id AND revoked_at IS NULL",
        {"key_id": key_id, "now": now},
    )
    return done == 1
