"""Long work is done once, whoever dies; it can be cancelled, and Redis may forget it."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.jobs import (
    JobRun,
    cancel_job,
    find_jobs,
    jobs_without_runner,
    run_job,
    show_job,
    start,
)
from notifier.model.actor import Actor, ActorKind
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.long_job import JobState, LongJob
from tests.samples import NOW

CLERK = Actor(ActorKind.USER, "clerk")
LATER = NOW + timedelta(minutes=1)

#: Takes the work with the given id, notes how far it is, and goes on for ever.
_DIES = """
import asyncio, sys
from datetime import datetime
from notifier.app.jobs import run_job
from notifier.store.db import connect

async def counts(job, running):
    await running.note(upto=7)
    print("at it", flush=True)
    await asyncio.Event().wait()

async def main(url, job_id, now):
    at = datetime.fromisoformat(now)
    await run_job(connect(url), int(job_id), {"count": counts}, now=lambda: at)

asyncio.run(main(*sys.argv[1:]))
"""


async def _asked(engine: AsyncEngine, **parameters: Any) -> int:
    return await start(engine, "count", parameters, actor=CLERK, now=NOW)


async def _counts(job: LongJob, running: JobRun) -> Mapping[str, Any]:
    """Count on from where an earlier run was."""
    first = job.begun.get("upto", 0)
    running.progress.done = running.progress.total = job.parameters["upto"]
    return {"counted": job.parameters["upto"] - first}


async def test_work_has_progress_a_result_and_an_owner(engine: AsyncEngine) -> None:
    job_id = await _asked(engine, upto=10)
    assert (await show_job(engine, job_id)).state is JobState.QUEUED
    job = await run_job(engine, job_id, {"count": _counts}, now=lambda: LATER)
    assert job is not None
    assert (job.state, job.done, job.total, job.result) == (JobState.DONE, 10, 10, {"counted": 10})
    assert (job.owner, job.created_at, job.ended_at) == (str(CLERK), NOW, LATER)
    assert await run_job(engine, job_id, {"count": _counts}, now=lambda: LATER) is None
    assert [one.job_id for one in await find_jobs(engine, limit=5)] == [job_id]
    with pytest.raises(NotFound):
        await show_job(engine, job_id + 1)


async def test_a_runner_that_was_killed_is_followed_by_one_that_goes_on(
    engine: AsyncEngine, database_url: str
) -> None:
    job_id = await _asked(engine, upto=10)
    given = (database_url, str(job_id), NOW.isoformat())
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DIES, *given, stdout=asyncio.subprocess.PIPE
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"at it\n"
    first.send_signal(signal.SIGKILL)
    await first.wait()
    # As long as it may be alive nobody takes the work from it.
    assert await jobs_without_runner(engine, now=NOW) == []
    assert await run_job(engine, job_id, {"count": _counts}, now=lambda: NOW) is None
    assert await jobs_without_runner(engine, now=LATER) == [job_id]
    job = await run_job(engine, job_id, {"count": _counts}, now=lambda: LATER)
    assert job is not None
    assert (job.state, job.result) == (JobState.DONE, {"counted": 3})


async def test_two_workers_that_are_called_do_it_once(engine: AsyncEngine) -> None:
    job_id = await _asked(engine, upto=3)
    both = [run_job(engine, job_id, {"count": _counts}, now=lambda: NOW) for _ in range(2)]
    ended = await asyncio.gather(*both)
    assert [job.result for job in ended if job] == [{"counted": 3}]


async def test_cancelled_work_ends_and_stays_cancelled(engine: AsyncEngine) -> None:
    job_id, begun = await _asked(engine), asyncio.Event()

    async def waits(_: LongJob, running: JobRun) -> Mapping[str, Any]:
        await running.note(any=1)
        begun.set()
        await asyncio.Event().wait()
        return {}

    running = asyncio.create_task(run_job(engine, job_id, {"count": waits}, now=lambda: NOW))
    await begun.wait()
    await cancel_job(engine, job_id, now=LATER)
    job = await running
    assert job is not None
    assert (job.state, job.result, job.ended_at) == (JobState.CANCELLED, None, LATER)
    with pytest.raises(NotAllowed):
        await cancel_job(engine, job_id, now=LATER)


async def test_work_that_breaks_says_so_on_record(engine: AsyncEngine) -> None:
    async def breaks(_: LongJob, __: JobRun) -> Mapping[str, Any]:
        raise ZeroDivisionError("hanako@example.jp")

    job_id = await _asked(engine)
    with pytest.raises(ZeroDivisionError):
        await run_job(engine, job_id, {"count": breaks}, now=lambda: NOW)
    job = await show_job(engine, job_id)
    assert (job.state, job.error) == (JobState.FAILED, "ZeroDivisionError")
