"""API keys: one source each; only the hash of the secret is kept."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.access import Scope
from notifier.model.actor import Actor

from .db import fetch, run
from .direct import Direct


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, in force or not: what it is good for, and until when."""

    key_id: str
    source: str
    secret_hash: bytes
    test: bool
    scopes: frozenset[Scope]
    is_confirmed: bool
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key without its hash."""

    key_id: str
    source: str
    test: bool
    scopes: frozenset[Scope]
    created_at: datetime
    created_by: str
    is_confirmed: bool
    expires_at: datetime | None
    revoked_at: datetime | None


_ADD = """
INSERT INTO api_keys (key_id, source, secret_hash, created_at, created_by, test, scopes, expires_at,
    is_confirmed)
VALUES (:key_id, :source, :hash, :now, :actor, :test, :scopes, :expires, :confirmed)
"""

_GET = """
SELECT key_id, source, secret_hash, test, scopes, is_confirmed, expires_at, revoked_at
FROM api_keys WHERE key_id = :key_id
"""

_EVERYTHING = """
SELECT key_id, source, test, scopes, created_at, created_by, is_confirmed, expires_at, revoked_at
FROM api_keys ORDER BY created_at
"""

_CONFIRM = "UPDATE api_keys SET is_confirmed = true WHERE key_id = :key_id"

_REVOKE = "UPDATE api_keys SET revoked_at = :now WHERE key_id = :key_id AND revoked_at IS NULL"


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
        _ADD,
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


async def get(conn: AsyncConnection | Direct, key_id: str) -> ApiKey | None:
    """Return a key, in force or not."""
    found = await fetch(conn, ApiKey, _GET, {"key_id": key_id})
    return found[0] if found else None


async def everything(conn: AsyncConnection) -> Sequence[ListedKey]:
    """Return all keys, without their hashes."""
    return await fetch(conn, ListedKey, _EVERYTHING)


async def confirm(conn: AsyncConnection, key_id: str) -> None:
    """Put a key in force that waited for its second person."""
    await run(conn, _CONFIRM, {"key_id": key_id})


async def revoke(conn: AsyncConnection, key_id: str, *, now: datetime) -> bool:
    """Put a key out of force; False when there was none in force."""
    return await run(conn, _REVOKE, {"key_id": key_id, "now": now}) == 1
