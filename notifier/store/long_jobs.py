"""Long work: rows that one runner at a time holds by a heartbeat."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.long_job import JobState, LongJob

from .db import dumps, loads, row, rows, scalar

_COLUMNS: Final = """job_id, kind, parameters, owner, state, done, total, begun, result, error,
    created_at, started_at, heartbeat_at, ended_at"""

_ADD: Final = """
INSERT INTO long_jobs (kind, parameters, owner, state, created_at)
VALUES (:kind, CAST(:parameters AS jsonb), :owner, 'queued', :now) RETURNING job_id
"""

# A runner that says nothing is dead: whoever comes next takes its work over.
_CLAIM: Final = f"""
UPDATE long_jobs SET state = 'running', runner = :runner, heartbeat_at = :now,
    started_at = coalesce(started_at, :now)
WHERE job_id = :id AND (state = 'queued' OR state = 'running' AND heartbeat_at < :silent)
RETURNING {_COLUMNS}
"""

_BEAT: Final = """
UPDATE long_jobs SET heartbeat_at = :now, done = :done, total = :total,
    begun = CAST(:begun AS jsonb)
WHERE job_id = :id AND state = 'running' AND runner = :runner RETURNING job_id
"""

_END: Final = """
UPDATE long_jobs SET state = :state, result = CAST(:result AS jsonb), error = :error,
    ended_at = :now
WHERE job_id = :id AND state = 'running' AND runner = :runner RETURNING job_id
"""

_CANCEL: Final = """
UPDATE long_jobs SET state = 'cancelled', ended_at = :now
WHERE job_id = :id AND state IN ('queued', 'running') RETURNING job_id
"""

_WAITING: Final = """
SELECT job_id FROM long_jobs
WHERE state = 'queued' OR state = 'running' AND heartbeat_at < :silent ORDER BY job_id LIMIT 100
"""


async def add(
    conn: AsyncConnection, kind: str, parameters: Mapping[str, Any], *, owner: Actor, now: datetime
) -> int:
    """Put work on record; its id."""
    given = {"kind": kind, "parameters": dumps(parameters), "owner": str(owner), "now": now}
    return int(await scalar(conn, _ADD, given))


async def claim(
    conn: AsyncConnection, job_id: int, runner: str, *, now: datetime, silent: datetime
) -> LongJob | None:
    """Take work that waits, or whose runner has said nothing since ``silent``; None: it is not."""
    given = {"id": job_id, "runner": runner, "now": now, "silent": silent}
    found = await row(conn, _CLAIM, given)
    return _job(found) if found else None


async def beat(
    conn: AsyncConnection,
    job_id: int,
    runner: str,
    *,
    done: int,
    total: int,
    begun: Mapping[str, Any],
    now: datetime,
) -> bool:
    """Say that the runner is alive, and how far it is; whether the work is still its own."""
    given = {"id": job_id, "runner": runner, "done": done, "total": total, "now": now}
    return await scalar(conn, _BEAT, given | {"begun": dumps(begun)}) is not None


async def end(
    conn: AsyncConnection,
    job_id: int,
    runner: str,
    state: JobState,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
    now: datetime,
) -> bool:
    """Put the end on record; False where the work is no more the runner's."""
    given = {"id": job_id, "runner": runner, "state": state, "error": error, "now": now}
    shown = None if result is None else dumps(result)
    return await scalar(conn, _END, given | {"result": shown}) is not None


async def cancel(conn: AsyncConnection, job_id: int, *, now: datetime) -> bool:
    """Cancel work that has not ended; its runner notices at its next heartbeat."""
    return await scalar(conn, _CANCEL, {"id": job_id, "now": now}) is not None


async def waiting(conn: AsyncConnection, *, silent: datetime) -> Sequence[int]:
    """Return ids of work that nobody alive is at."""
    return [r["job_id"] for r in await rows(conn, _WAITING, {"silent": silent})]


async def get(conn: AsyncConnection, job_id: int) -> LongJob | None:
    """Return one piece of work."""
    sql = f"SELECT {_COLUMNS} FROM long_jobs WHERE job_id = :id"
    found = await row(conn, sql, {"id": job_id})
    return _job(found) if found else None


async def newest(conn: AsyncConnection, limit: int) -> Sequence[LongJob]:
    """Return the newest pieces of work, the last one first."""
    sql = f"SELECT {_COLUMNS} FROM long_jobs ORDER BY job_id DESC LIMIT :limit"
    return [_job(r) for r in await rows(conn, sql, {"limit": limit})]


def _job(found: RowMapping) -> LongJob:
    shown = {name: loads(found[name]) for name in ("parameters", "begun", "result")}
    return LongJob(**{**found, **shown, "state": JobState(found["state"])})
