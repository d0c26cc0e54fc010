"""The kinds of long work, and how a process comes to do it."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from redis.exceptions import RedisError

from notifier.app.jobs import JobRun, Work, jobs_without_runner, run_job, show_job, start
from notifier.delivery.wake_up import open_redis
from notifier.model.actor import Actor
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotAllowed
from notifier.model.long_job import JobState, LongJob
from notifier.printing.collect import Batch, collect
from notifier.printing.context import PrintingContext
from notifier.store import batches

from .arq_settings import LONG, LONG_QUEUE
from .parts import Parts
from .pressing import press_room

COLLECT: Final = "collect-letters"
_LOOK: Final = 1.0  # seconds between two looks at work that another process does
_CALL: Final = 60  # seconds for which a call waits for a worker


async def collect_once(
    context: PrintingContext, job: LongJob, running: JobRun
) -> Mapping[str, Any]:
    """Collect letters into one batch, also where a run before broke off behind its end."""
    before = await _finished(context, job)
    if before is not None:
        return {"batch": before}

    async def report(batch_id: int, done: int, total: int) -> None:
        running.progress.done, running.progress.total = done, total
        await running.note(batch_id=batch_id)

    actor, most = Actor.parse(job.owner), job.parameters["most"]
    made = await collect(context, actor=actor, most=most, report=report)
    if made is None:
        return {"batch": None}
    shown = {**asdict(made), "folder": str(made.folder), "posting_day": str(made.posting_day)}
    return {"batch": shown}


async def _finished(context: PrintingContext, job: LongJob) -> Mapping[str, Any] | None:
    """Return the batch that an earlier run had finished before it could say so."""
    if "batch_id" not in job.begun:
        return None
    batch_id = int(job.begun["batch_id"])
    async with context.engine.connect() as conn:
        found = await batches.get(conn, batch_id)
        files = await batches.count_files(conn, batch_id)
    if found is None or found.state in (BatchState.OPEN, BatchState.CANCELLED):
        return None
    return {
        "batch_id": batch_id,
        "folder": str(context.folder / batch_name(batch_id)),
        "posting_day": str(found.posting_day),
        "pieces": found.pieces,
        "pages": found.pages,
        "files": files,
        "yen": found.yen,
        "held": 0,  # the tasks name them
        "unmapped": 0,
    }


def _kinds(parts: Parts) -> Mapping[str, Work]:
    """Return what a process can do, by kind."""
    return {COLLECT: lambda job, running: collect_once(press_room(parts), job, running)}


async def run_here(parts: Parts, job_id: int) -> LongJob | None:
    """Run a piece of work in this process; None where somebody else is at it."""
    return await run_job(parts.engine, job_id, _kinds(parts), now=parts.clock.now)


async def call_workers(parts: Parts, now: datetime) -> None:
    """Have arq call somebody for each piece of work that nobody alive is at.

    Whatever Redis has forgotten is called for again at the next look. Two calls do no harm: who
    comes second finds the work taken.
    """
    waiting = await jobs_without_runner(parts.engine, now=now)
    if not waiting:
        return
    redis = await open_redis(parts.urls.redis)
    try:
        for job_id in waiting:
            await redis.enqueue_job(LONG, job_id, _queue_name=LONG_QUEUE, _expires=_CALL)
    finally:
        await redis.aclose()


async def begin(parts: Parts, *, most: int, actor: Actor) -> int:
    """Put a collection of letters on record for a worker, and call one; its id."""
    now = parts.clock.now()
    job_id = await start(parts.engine, COLLECT, {"most": most}, actor=actor, now=now)
    with contextlib.suppress(RedisError, OSError):  # a worker finds it by looking
        await call_workers(parts, now)
    return job_id


async def collect_letters(parts: Parts, *, most: int, actor: Actor) -> Batch | None:
    """Collect letters now, as a piece of work on record; None if none wait.

    A worker that looks just then may take the work: its end is waited for. Raises
    :class:`NotAllowed` for work that was cancelled or that failed there.
    """
    now = parts.clock.now()
    job_id = await start(parts.engine, COLLECT, {"most": most}, actor=actor, now=now)
    job = await run_here(parts, job_id) or await show_job(parts.engine, job_id)
    while job.state in (JobState.QUEUED, JobState.RUNNING):
        await asyncio.sleep(_LOOK)
        job = await show_job(parts.engine, job_id)
    if job.result is None:
        raise NotAllowed(
            f"job {job_id} {job.state}",
            code="job_cancelled" if job.state is JobState.CANCELLED else "job_failed",
            job=job_id,
        )
    if job.result["batch"] is None:
        return None
    found = job.result["batch"]
    day, folder = date.fromisoformat(found["posting_day"]), Path(found["folder"])
    return Batch(**{**found, "posting_day": day, "folder": folder})
