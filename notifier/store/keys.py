"""API keys: one source each; only the hash of the secret is kept."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.access import Scope
from notifier.model.actor import Actor

from .db import rows, run
from .direct import Direct


async def add(
    conn: AsyncConnection,
    key_id: str,
    source: str,
    secret_hash: bytes,
    *,
    test: bool = False,
    scopes: Iterable[Scope] = Scope,
    expires_at: datetime | None = None,
    is_confirmed: bool = True,
    actor: Actor,
    now: datetime,
) -> None:
    """Register a key; ``test``: nothing that is sent with it becomes real.

    ``is_confirmed``: whether it is in force, or waits for the second person whom its rights need.
    """
    await run(
        conn,
        """INSERT INTO api_keys (key_id, source, secret_hash, created_at, created_by, test, scopes,
               expires_at, is_confirmed)
           VALUES (:key_id, :source, :hash, :now, :actor, :test, :scopes, :expires, :confirmed)""",
        {
            "key_id": key_id,
            "source": source,
            "hash": secret_hash,
            "now": now,
            "actor": str(actor),
            "test": test,
            "scopes": sorted(scopes),
            "expires": expires_at,
            "confirmed": is_confirmed,
        },
    )


async def get(conn: AsyncConnection | Direct, key_id: str) -> RowMapping | None:
    """A key, in force or not: what it is good for, and until when."""
    found = await rows(
        conn,
        """SELECT key_id, source, secret_hash, revoked_at, test, scopes, expires_at, is_confirmed
           FROM api_keys WHERE key_id = :key_id""",
        {"key_id": key_id},
    )
    return found[0] if found else None


async def everything(conn: AsyncConnection) -> Sequence[RowMapping]:
    """All keys, without their hashes."""
    return await rows(
        conn,
        """SELECT key_id, source, test, scopes, created_at, created_by, expires_at, is_confirmed,
               revoked_at FROM api_keys ORDER BY created_at""",
    )


async def confirm(conn: AsyncConnection, key_id: str) -> None:
    """Put a key in force that waited for its second person."""
    sql = "UPDATE api_keys SET is_confirmed = true WHERE key_id = :key_id"
    await run(conn, sql, {"key_id": key_id})


async def revoke(conn: AsyncConnection, key_id: str, *, now: datetime) -> bool:
    """Put a key out of force; False when there was none."""
    done = await run(
        conn,
        "UPDATE api_keys SET revoked_at = :now WHERE key_id = :key_id AND revoked_at IS NULL",
        {"key_id": key_id, "now": now},
    )
    return done == 1
