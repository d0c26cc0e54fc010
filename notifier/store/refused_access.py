"""Refused access: a row for each minute, address and reason, with a count."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import Params, fetch, record, run


@dataclass(frozen=True, slots=True)
class RefusedAccess:
    """Access that was refused within a minute."""

    minute: datetime
    address: str
    interface: str
    reason: str
    name: str
    count: int
    last_at: datetime


_COUNT = """
INSERT INTO refused_access AS t
SELECT minute, address, interface, reason, name, count, last_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    minute timestamptz, address text, interface text, reason text, name text,
    count bigint, last_at timestamptz)
ORDER BY minute, address, interface, reason, name
ON CONFLICT (minute, address, interface, reason, name)
DO UPDATE SET count = t.count + excluded.count,
    last_at = greatest(t.last_at, excluded.last_at)
"""

_FORGET = "DELETE FROM refused_access WHERE minute < :before"

_LATEST = """
SELECT minute, address, interface, reason, name, count, last_at FROM refused_access
ORDER BY minute DESC, last_at DESC LIMIT :limit
"""


async def count(conn: AsyncConnection, refusals: Sequence[Params]) -> None:
    """Add to the counts: minute, address, interface, reason, name, count, last_at each."""
    await run(conn, _COUNT, record(refusals))


async def forget(conn: AsyncConnection, *, before: datetime) -> None:
    """Let go of what is older."""
    await run(conn, _FORGET, {"before": before})


async def latest(conn: AsyncConnection, *, limit: int) -> Sequence[RefusedAccess]:
    """The latest, newest first."""
    return await fetch(conn, RefusedAccess, _LATEST, {"limit": limit})
