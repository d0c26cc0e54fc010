"""Long work that people ask for: begun, watched, cancelled; done once, whatever dies meanwhile.

A piece of work is a row. Whoever runs it says so every few seconds; after a silence somebody else
takes it over, with what the first one has left on record. So nothing hangs on Redis.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.long_job import JobState, LongJob
from notifier.store import long_jobs as store

log = get_logger(__name__)

_BEAT: Final = 2.0  # seconds between two heartbeats
_SILENCE: Final = timedelta(seconds=30)  # after which a runner counts as dead


@dataclass(slots=True)
class Progress:
    """How far a run is. The work writes it, heartbeats put it on record."""

    done: int = 0
    total: int = 0
    #: What whoever takes the work over must know; :meth:`JobRun.note` waits until it is on record.
    begun: dict[str, Any] = field(default_factory=dict)


#: The work of a kind: what comes of it, as JSON.
Work = Callable[[LongJob, "JobRun"], Awaitable[Mapping[str, Any]]]


class Cancelled(Exception):
    """Somebody has cancelled the work, or taken it over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of a piece of work by one process."""

    engine: AsyncEngine
    now: Callable[[], datetime]
    job_id: int
    runner: str
    progress: Progress

    async def note(self, **begun: Any) -> None:
        """Put on record what whoever takes over must know. Raise :class:`Cancelled`."""
        self.progress.begun.update(begun)
        await self.beat()

    async def beat(self) -> None:
        """Say that this run goes on. Raise :class:`Cancelled` where it must not."""
        async with self.engine.begin() as conn:
            if not await self.beat_on(conn):
                raise Cancelled

    async def beat_on(self, conn: AsyncConnection) -> bool:
        """Say so within a transaction; whether the work is still this run's."""
        at = self.progress
        return await store.beat(
            conn,
            self.job_id,
            self.runner,
            done=at.done,
            total=at.total,
            begun=at.begun,
            now=self.now(),
        )

    async def beat_for_ever(self) -> None:
        """Say so every few seconds; a record that is away for a moment is none of the work's."""
        while True:
            await asyncio.sleep(_BEAT)
            try:
                await self.beat()
            except (SQLAlchemyError, OSError) as error:
                log.warning("no heartbeat", job=self.job_id, error=type(error).__name__)


async def start(
    engine: AsyncEngine, kind: str, parameters: Mapping[str, Any], *, actor: Actor, now: datetime
) -> int:
    """Put work on record, for whichever worker comes first; its id."""
    async with engine.begin() as conn:
        return await store.add(conn, kind, parameters, owner=actor, now=now)


async def find_jobs(engine: AsyncEngine, *, limit: int) -> Sequence[LongJob]:
    """Return the newest pieces of work."""
    async with engine.connect() as conn:
        return await store.newest(conn, limit)


async def show_job(engine: AsyncEngine, job_id: int) -> LongJob:
    """Return one piece of work: how far it is, and its result. Raise :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await store.get(conn, job_id)
    if found is None:
        raise NotFound("job", str(job_id))
    return found


async def cancel_job(engine: AsyncEngine, job_id: int, *, now: datetime) -> None:
    """Cancel work. Raise :class:`NotFound`; :class:`NotAllowed` for work that has ended."""
    job = await show_job(engine, job_id)
    async with engine.begin() as conn:
        if not await store.cancel(conn, job_id, now=now):
            raise NotAllowed(f"job {job_id} has ended", code="job_ended", job=job.job_id)


async def jobs_without_runner(engine: AsyncEngine, *, now: datetime) -> Sequence[int]:
    """Return ids of work that nobody alive is at."""
    async with engine.connect() as conn:
        return await store.waiting(conn, silent=now - _SILENCE)


async def run_job(
    engine: AsyncEngine, job_id: int, kinds: Mapping[str, Work], *, now: Callable[[], datetime]
) -> LongJob | None:
    """Run work to its end; None where somebody else is at it or it has ended.

    What the work raises is put on record, and raised. Cancelled, it ends quietly.
    """
    runner, at = secrets.token_hex(8), now()
    async with engine.begin() as conn:
        job = await store.claim(conn, job_id, runner, now=at, silent=at - _SILENCE)
    if job is None:
        return None
    progress = Progress(done=job.done, total=job.total, begun=dict(job.begun))
    running = JobRun(engine=engine, now=now, job_id=job_id, runner=runner, progress=progress)
    try:
        result = await _beside_heartbeats(running, kinds[job.kind](job, running))
    except Cancelled:
        log.info("job cancelled", job=job_id)
    except asyncio.CancelledError:
        raise  # this process ends; another one goes on with it
    except Exception as error:
        said = str(error) if isinstance(error, NotAllowed | NotFound) else type(error).__name__
        await _end(running, JobState.FAILED, error=said)
        raise
    else:
        await _end(running, JobState.DONE, result=result)
    return await show_job(engine, job_id)


async def _beside_heartbeats(
    running: JobRun, work: Awaitable[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Run work while heartbeats go on; one that fails ends it."""
    task = asyncio.ensure_future(work)
    beats = asyncio.create_task(running.beat_for_ever())
    try:
        await asyncio.wait({task, beats}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            beats.result()  # raises
        return await task
    finally:
        for one in (task, beats):
            one.cancel()
        await asyncio.gather(task, beats, return_exceptions=True)


async def _end(
    running: JobRun,
    state: JobState,
    *,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> None:
    own, now = (running.job_id, running.runner), running.now()
    async with running.engine.begin() as conn:
        if await running.beat_on(conn):
            await store.end(conn, *own, state, result=result, error=error, now=now)
