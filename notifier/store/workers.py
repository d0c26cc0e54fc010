"""Workers: who is at work, by their heartbeats."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import rows, run, scalar

_REGISTER = """
INSERT INTO workers (worker_id, host, pid, journal, started_at, heartbeat_at)
VALUES (:worker, :host, :pid, :journal, clock_timestamp(), clock_timestamp())
"""

_STOP = """
UPDATE workers SET stopped_at = clock_timestamp()
WHERE worker_id = :worker AND stopped_at IS NULL
"""

_BURY = """
UPDATE workers SET stopped_at = clock_timestamp()
WHERE stopped_at IS NULL AND heartbeat_at < clock_timestamp() - CAST(:silent AS interval)
RETURNING worker_id
"""

_ANY_AT_WORK = """
SELECT EXISTS (SELECT FROM workers WHERE stopped_at IS NULL
    AND heartbeat_at > clock_timestamp() - interval '1 minute')
"""


async def register(
    conn: AsyncConnection, worker_id: UUID, *, host: str, pid: int, journal: str
) -> None:
    """A worker begins."""
    await run(conn, _REGISTER, {"worker": worker_id, "host": host, "pid": pid, "journal": journal})


async def stop(conn: AsyncConnection, worker_id: UUID) -> None:
    """A worker has ended, by itself or by a crash. It can renew no lease from here on."""
    await run(conn, _STOP, {"worker": worker_id})


async def bury(conn: AsyncConnection, *, silent: timedelta) -> list[UUID]:
    """Declare workers dead that have been silent for so long; their ids."""
    found = await rows(conn, _BURY, {"silent": silent})
    return [r["worker_id"] for r in found]


async def any_at_work(conn: AsyncConnection) -> bool:
    """Whether a worker has given a sign of life within the last minute."""
    sql = _ANY_AT_WORK
    return bool(await scalar(conn, sql))
