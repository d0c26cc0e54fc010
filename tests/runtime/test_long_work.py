"""Long work reaches a worker through Redis, and again once Redis has forgotten it."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest
import redis

from notifier.app.jobs import show_job
from notifier.delivery.wake_up import LaneNotifier
from notifier.model.actor import system
from notifier.model.long_job import JobState
from notifier.runtime.arq_settings import LONG_QUEUE, long_settings
from notifier.runtime.engines import Urls
from notifier.runtime.long_work import begin, call_workers, collect_letters, run_here
from notifier.runtime.parts import Parts, joined
from notifier.runtime.periodic import CountedJobs, JobContext
from notifier.runtime.settings import Settings
from notifier.runtime.worker import listen

ANYBODY = system("test")


@pytest.fixture
async def parts(settings: Settings) -> AsyncIterator[Parts]:
    assert settings.database_url is not None
    assert settings.redis_url is not None
    urls = Urls(database=settings.database_url, redis=settings.redis_url, intake=None)
    settings.var.mkdir()
    async with joined(settings, urls) as made:
        yield made


async def test_work_is_not_lost_with_redis(parts: Parts) -> None:
    job_id = await begin(parts, most=10, actor=ANYBODY)
    with redis.Redis.from_url(parts.urls.redis) as client:
        assert client.zcard(LONG_QUEUE) == 1
        client.flushall()
    await call_workers(parts, parts.clock.now())
    async with LaneNotifier(parts.urls.redis) as bell:
        context = JobContext(
            now=parts.clock.now,
            bells={},
            bell=bell,
            jobs={},
            metrics=CountedJobs(),
            long_work=partial(run_here, parts),
        )
        worker = asyncio.create_task(listen(parts.urls.redis, long_settings(), context))
        async with asyncio.timeout(60):
            while not (job := await show_job(parts.engine, job_id)).ended_at:
                assert not worker.done()
                await asyncio.sleep(0.05)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert (job.state, job.result) == (JobState.DONE, {"batch": None})
    assert job.owner == str(ANYBODY)


async def test_a_collection_at_the_terminal_is_on_record(parts: Parts) -> None:
    assert await collect_letters(parts, most=10, actor=ANYBODY) is None
    assert (await show_job(parts.engine, 1)).state is JobState.DONE
