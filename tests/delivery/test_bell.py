"""The bell and the clock, through a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.wake_up import LaneNotifier, WakeUp, open_redis, queue_of
from notifier.model.notice import Lane
from tests.samples import NOW
from workers import settings as arq
from workers.floor import Floor, Hook
from workers.run import listen


def floor_of(engine: AsyncEngine, bell: LaneNotifier, *hooks: Hook) -> Floor:
    bells = {Lane.URGENT: WakeUp(), Lane.BULK: WakeUp()}
    return Floor(engine=engine, now=lambda: NOW, bells=bells, bell=bell, hooks=hooks)


@asynccontextmanager
async def listening(redis_url: str, floor: Floor, lane: Lane) -> AsyncIterator[None]:
    given = arq.settings(arq.Ring) | {"queue_name": queue_of(lane)}
    task = asyncio.create_task(listen(redis_url, given, floor))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_ring_wakes_its_lane_and_no_other(engine: AsyncEngine, redis_url: str) -> None:
    async with LaneNotifier(redis_url) as bell:
        floor = floor_of(engine, bell)
        async with listening(redis_url, floor, Lane.URGENT):
            for _ in range(3):
                await bell.notify_workers({Lane.URGENT})
                await asyncio.wait_for(floor.bells[Lane.URGENT].wait(), 10)
                floor.bells[Lane.URGENT].clear()
        assert not floor.bells[Lane.BULK].is_set()


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


async def test_a_tick_that_fails_keeps_the_others_going(
    engine: AsyncEngine, redis_url: str
) -> None:
    async def breaks(_: AsyncEngine, __: datetime) -> set[Lane]:
        raise RuntimeError

    async def finds(_: AsyncEngine, now: datetime) -> set[Lane]:
        assert now == NOW
        return {Lane.BULK, Lane.STANDARD}

    async with LaneNotifier(redis_url) as bell:
        floor = floor_of(engine, bell, breaks, finds)
        await floor.tick()
        assert floor.bells[Lane.BULK].is_set()
    redis = await open_redis(redis_url)
    assert await redis.zcard(queue_of(Lane.STANDARD)) == 1
    await redis.aclose()
