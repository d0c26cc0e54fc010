"""Service accounts: scripts that act at the terminal; only the hash of a token is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.role import Permission

from .db import row, rows, run

_COLUMNS = """name, token_hash, scopes, created_by, created_at, expires_at, is_confirmed,
    revoked_at"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """A script's account, in force or not."""

    name: str
    token_hash: bytes
    scopes: frozenset[Permission]
    created_by: str
    created_at: datetime
    expires_at: datetime
    is_confirmed: bool  # by the second person whom rights over members need
    revoked_at: datetime | None

    def in_force(self, now: datetime) -> bool:
        """Whether its token counts now."""
        return self.is_confirmed and self.revoked_at is None and now < self.expires_at


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
    done = await run(
        conn,
        """INSERT INTO service_accounts
               (name, token_hash, scopes, created_by, created_at, expires_at, is_confirmed)
           VALUES (:name, :hash, :scopes, :by, :now, :until, :confirmed) ON CONFLICT DO NOTHING""",
        {
            "name": name,
            "hash": token_hash,
            "scopes": sorted(scopes),
            "by": by,
            "now": now,
            "until": until,
            "confirmed": is_confirmed,
        },
    )
    return done == 1


async def get(conn: AsyncConnection, name: str) -> ServiceAccount | None:
    """One account."""
    sql = f"SELECT {_COLUMNS} FROM service_accounts WHERE name = :name"
    found = await row(conn, sql, {"name": name})
    return _account(found) if found else None


async def everyone(conn: AsyncConnection) -> list[ServiceAccount]:
    """All accounts, by name."""
    found = await rows(conn, f"SELECT {_COLUMNS} FROM service_accounts ORDER BY name")
    return [_account(r) for r in found]


async def confirm(conn: AsyncConnection, name: str) -> None:
    """Put an account in force that waited for its second person."""
    sql = "UPDATE service_accounts SET is_confirmed = true WHERE name = :name"
    await run(conn, sql, {"name": name})


async def revoke(conn: AsyncConnection, name: str, *, now: datetime) -> bool:
    """Put an account out of force; False when there was none in force."""
    sql = """UPDATE service_accounts SET revoked_at = :now
             WHERE name = :name AND revoked_at IS NULL"""
    return await run(conn, sql, {"name": name, "now": now}) == 1


def _account(found: RowMapping) -> ServiceAccount:
    scopes = frozenset(Permission(s) for s in found["scopes"])
    return ServiceAccount(**{**found, "token_hash": bytes(found["token_hash"]), "scopes": scopes})
