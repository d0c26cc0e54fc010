"""A collection that dies between its end and saying so is not done twice."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from notifier.app.jobs import JobRun, run_job, show_job, start
from notifier.model.long_job import JobState, LongJob
from notifier.model.states import State
from notifier.runtime.long_work import COLLECT, collect_once
from tests.delivery.rig import ACTOR
from tests.printing.letters import Letters


async def test_whoever_takes_over_finds_the_batch_that_was_made(letters: Letters) -> None:
    await letters.post(2)
    engine, now = letters.engine, letters.time
    job_id = await start(engine, COLLECT, {"most": 10}, actor=ACTOR, now=now)

    async def dies(job: LongJob, running: JobRun) -> Mapping[str, Any]:
        await collect_once(letters.room(), job, running)
        raise asyncio.CancelledError

    async def goes_on(job: LongJob, running: JobRun) -> Mapping[str, Any]:
        return await collect_once(letters.room(), job, running)

    with pytest.raises(asyncio.CancelledError):
        await run_job(engine, job_id, {COLLECT: dies}, now=lambda: now)
    assert (await show_job(engine, job_id)).state is JobState.RUNNING
    [late] = await letters.post()
    later = now + timedelta(minutes=1)
    job = await run_job(engine, job_id, {COLLECT: goes_on}, now=lambda: later)
    assert job is not None
    assert job.result is not None
    batch = job.result["batch"]
    assert (batch["batch_id"], batch["pieces"], batch["files"]) == (1, 2, 1)
    assert (job.done, job.total) == (2, 2)
    found = await letters.rows("SELECT state FROM messages WHERE message_id = :id", id=late)
    assert [r["state"] for r in found] == [State.QUEUED]
    assert len(await letters.rows("SELECT batch_id FROM batches")) == 1
