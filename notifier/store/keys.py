"""API keys: one source each; only the hash of the secret is kept."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor

from .db import rows, run
from .direct import Direct

_ADD = """
INSERT INTO api_keys (key_id, source, secret_hash, created_at, created_by, test)
VALUES (:key_id, :source, :hash, :now, :actor, :test)
"""

_GET = """
SELECT key_id, source, secret_hash, revoked_at, test FROM api_keys
WHERE key_id = :key_id
"""

_EVERYTHING = """
SELECT key_id, source, test, created_at, created_by, revoked_at FROM api_keys
ORDER BY created_at
"""

_REVOKE = "UPDATE api_keys SET revoked_at = :now WHERE key_id = :key_id AND revoked_at IS NULL"


async def add(
    conn: AsyncConnection,
    key_id: str,
    source: str,
    secret_hash: bytes,
    *,
    test: bool = False,
    actor: Actor,
    now: datetime,
) -> None:
    """Register a key; ``test``: nothing that is sent with it becomes real."""
    await run(
        conn,
        _ADD,
        {
            "key_id": key_id,
            "source": source,
            "hash": secret_hash,
            "now": now,
            "actor": str(actor),
            "test": test,
        },
    )


async def get(conn: AsyncConnection | Direct, key_id: str) -> RowMapping | None:
    """A key, in force or not: source, secret_hash, revoked_at, test."""
    found = await rows(conn, _GET, {"key_id": key_id})
    return found[0] if found else None


async def everything(conn: AsyncConnection) -> Sequence[RowMapping]:
    """All keys, without their hashes."""
    return await rows(conn, _EVERYTHING)


async def revoke(conn: AsyncConnection, key_id: str, *, now: datetime) -> bool:
    """Put a key out of force; False when there was none."""
    done = await run(conn, _REVOKE, {"key_id": key_id, "now": now})
    return done == 1
