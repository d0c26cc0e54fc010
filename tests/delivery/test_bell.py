"""The bell and the clock, through a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.delivery.wake_up import LaneNotifier, WakeUp, open_redis, queue_of
from notifier.model.notice import Lane
from notifier.runtime.arq_settings import clock_settings, ring_settings
from notifier.runtime.periodic import CountedJobs, JobContext, PeriodicJob, registry
from notifier.runtime.worker import listen
from tests.samples import NOW


def context_of(bell: LaneNotifier, **jobs: Any) -> JobContext:
    every = timedelta(seconds=15)
    return JobContext(
        now=lambda: NOW,
        bells={Lane.URGENT: WakeUp(), Lane.BULK: WakeUp()},
        bell=bell,
        jobs=registry(PeriodicJob(name=n, every=every, run=run) for n, run in jobs.items()),
        metrics=CountedJobs(),
    )


@asynccontextmanager
async def listening(redis_url: str, context: JobContext, lane: Lane) -> AsyncIterator[None]:
    task = asyncio.create_task(listen(redis_url, ring_settings(queue_of(lane)), context))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_ring_wakes_its_lane_and_no_other(redis_url: str) -> None:
    async with LaneNotifier(redis_url) as bell:
        context = context_of(bell)
        async with listening(redis_url, context, Lane.URGENT):
            for _ in range(3):
                await bell.notify_workers({Lane.URGENT})
                await asyncio.wait_for(context.bells[Lane.URGENT].wait(), 10)
                context.bells[Lane.URGENT].clear()
        assert not context.bells[Lane.BULK].is_set()


async def test_many_rings_are_few_jobs_and_none_is_lost(redis_url: str) -> None:
    async with LaneNotifier(redis_url) as bell:
        for _ in range(1000):
            await bell.notify_workers({Lane.URGENT, Lane.BULK})
    redis = await open_redis(redis_url)
    assert 1 <= await redis.zcard(queue_of(Lane.URGENT)) <= 50
    assert 1 <= await redis.zcard(queue_of(Lane.BULK)) <= 50
    await redis.aclose()


async def test_a_bell_without_redis_keeps_nobody_waiting() -> None:
    async with LaneNotifier("redis://127.0.0.1:1/0") as bell:
        await bell.notify_workers({Lane.URGENT})
        await asyncio.sleep(0)


async def test_a_job_that_fails_is_counted_and_keeps_no_other_waiting(redis_url: str) -> None:
    async def breaks(_: datetime) -> set[Lane]:
        raise RuntimeError

    async def finds(now: datetime) -> set[Lane]:
        assert now == NOW
        return {Lane.BULK, Lane.STANDARD}

    async with LaneNotifier(redis_url) as bell:
        context = context_of(bell, breaks=breaks, finds=finds)
        for name in ("breaks", "finds", "breaks"):
            await context.run(name)
        assert context.bells[Lane.BULK].is_set()
    redis = await open_redis(redis_url)
    assert await redis.zcard(queue_of(Lane.STANDARD)) == 1
    await redis.aclose()
    assert isinstance(context.metrics, CountedJobs)
    broken, sound = (context.metrics.figures[name] for name in ("breaks", "finds"))
    assert (broken.runs, broken.failures, broken.last_run) == (2, 2, NOW)
    assert (sound.runs, sound.failures) == (1, 0)


async def test_a_job_that_takes_long_is_not_begun_twice(redis_url: str) -> None:
    begun, go_on = 0, asyncio.Event()

    async def waits(_: datetime) -> set[Lane]:
        nonlocal begun
        begun += 1
        await go_on.wait()
        return set()

    async with LaneNotifier(redis_url) as bell:
        context = context_of(bell, waits=waits)
        first = asyncio.create_task(context.run("waits"))
        await asyncio.sleep(0)
        await context.run("waits")
        go_on.set()
        await first
    assert begun == 1


async def test_arqs_clock_strikes_for_each_by_itself(redis_url: str) -> None:
    waiting, struck = asyncio.Event(), asyncio.Event()

    async def waits(_: datetime) -> set[Lane]:
        waiting.set()
        await asyncio.Event().wait()
        return set()

    async def strikes(_: datetime) -> set[Lane]:
        struck.set()
        return set()

    async with LaneNotifier(redis_url) as bell:
        context = context_of(bell, waits=waits, strikes=strikes)
        times = dict.fromkeys(context.jobs, timedelta(seconds=1))
        task = asyncio.create_task(listen(redis_url, clock_settings(times), context))
        await asyncio.wait_for(waiting.wait(), 30)
        struck.clear()
        await asyncio.wait_for(struck.wait(), 30)  # although the other is still at it
        assert "waits" in context.running
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("seconds", [7, 90, 7 * 3600, 86400])
def test_what_arqs_clock_cannot_say_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match="no part of"):
        clock_settings({"job": timedelta(seconds=seconds)})


def test_jobs_have_names_of_their_own() -> None:
    async def run(_: datetime) -> set[Lane]:
        return set()

    job = PeriodicJob(name="twin", every=timedelta(seconds=15), run=run)
    with pytest.raises(ValueError, match="twin"):
        registry([job, job])
