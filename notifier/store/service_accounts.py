"""Service accounts: scripts that act at the terminal; only the hash of a token is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.role import Permission

from .db import fetch, fetch_one, run


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A script's account, in force or not."""

    token_hash: bytes
    scopes: frozenset[Permission]
    expires_at: datetime
    is_confirmed: bool  # by the second person whom rights over members need
    revoked_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        """Whether its token counts now."""
        return self.is_confirmed and self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class ListedService:
    """A script's account without the hash of its token."""

    name: str
    scopes: frozenset[Permission]
    created_at: datetime
    created_by: str
    is_confirmed: bool
    expires_at: datetime
    revoked_at: datetime | None


_ADD = """
INSERT INTO service_accounts
    (name, token_hash, scopes, created_by, created_at, expires_at, is_confirmed)
VALUES (:name, :hash, :scopes, :by, :now, :until, :confirmed) ON CONFLICT DO NOTHING
"""

_GET = """
SELECT token_hash, scopes, expires_at, is_confirmed, revoked_at
FROM service_accounts WHERE name = :name
"""

_EVERYONE = """
SELECT name, scopes, created_at, created_by, is_confirmed, expires_at, revoked_at
FROM service_accounts ORDER BY name
"""

_CONFIRM = "UPDATE service_accounts SET is_confirmed = true WHERE name = :name"

_REVOKE = """
UPDATE service_accounts SET revoked_at = :now WHERE name = :name AND revoked_at IS NULL
"""


async def add(
    conn: AsyncConnection,
    name: str,
    token_hash: bytes,
    scopes: Iterable[Permission],
    *,
    by: str,
    now: datetime,
    until: datetime,
    is_confirmed: bool,
) -> bool:
    """Register an account; False where there is one of that name already."""
    given = {
        "name": name,
        "hash": token_hash,
        "scopes": sorted(scopes),
        "by": by,
        "now": now,
        "until": until,
        "confirmed": is_confirmed,
    }
    return await run(conn, _ADD, given) == 1


async def get(conn: AsyncConnection, name: str) -> ServiceAccount | None:
    """Return one account."""
    return await fetch_one(conn, ServiceAccount, _GET, {"name": name})


async def everyone(conn: AsyncConnection) -> list[ListedService]:
    """Return all accounts, by name."""
    return await fetch(conn, ListedService, _EVERYONE)


async def confirm(conn: AsyncConnection, name: str) -> None:
    """Put an account in force that waited for its second person."""
    await run(conn, _CONFIRM, {"name": name})


async def revoke(conn: AsyncConnection, name: str, *, now: datetime) -> bool:
    """Put an account out of force; False when there was none in force."""
    return await run(conn, _REVOKE, {"name": name, "now": now}) == 1
