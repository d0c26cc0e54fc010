"""Wake-ups: the workers of a lane are notified through Redis.

Nothing depends on it. While Redis is away the workers find their work by looking.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from types import TracebackType
from typing import Final, Self

import orjson
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError

from notifier.logs import get_logger
from notifier.model.notice import Lane

log = get_logger(__name__)

RING: Final = "ring"  # the name of the job
_APART: Final = 0.005  # seconds between two rings
_REST: Final = 1.0  # seconds before Redis is tried again
_EXPIRES: Final = 60  # seconds: nobody needs an old ring
_ENOUGH: Final = 50  # rings that wait: then nobody is listening
_PARTING: Final = 2.0
_ERRORS: Final = (RedisError, OSError, TimeoutError)


def queue_of(lane: Lane) -> str:
    """The queue whose workers serve a lane."""
    return f"notifier:{lane.name.lower()}"


async def open_redis(url: str) -> ArqRedis:
    """A connection to the bell. Raises at once if Redis is away."""
    settings = replace(RedisSettings.from_dsn(url), conn_retries=0)
    return await create_pool(settings, job_serializer=orjson.dumps, job_deserializer=orjson.loads)


class WakeUp(asyncio.Event):
    """What wakes a lane. Nobody need ring while it is at work anyway."""

    def __init__(self) -> None:
        super().__init__()
        self.is_listened_to = True


class LaneNotifier:
    """Rings in the background: nobody waits for it, and many rings become few."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._redis: ArqRedis | None = None
        self._wanted: set[Lane] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def notify_workers(self, lanes: Iterable[Lane]) -> None:
        """Something waits in these lanes. Call after the commit; returns at once."""
        self._wanted.update(lanes)
        if self._wanted and not self._closing:
            self._wake.set()
            if self._task is None:
                self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self._wanted or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            wanted, self._wanted = self._wanted, set()
            if not wanted:
                continue
            try:
                await self._send(wanted)
                await asyncio.sleep(_APART)
            except Exception as error:
                # Workers look for themselves, so what was wanted need not be kept.
                log.warning("bell away", exc_info=not isinstance(error, _ERRORS))
                await self._drop()
                await asyncio.sleep(_REST)

    async def _send(self, lanes: Iterable[Lane]) -> None:
        if self._redis is None:
            self._redis = await open_redis(self._url)
        for lane in sorted(lanes):
            if await self._redis.zcard(queue_of(lane)) < _ENOUGH:
                await self._redis.enqueue_job(
                    RING, int(lane), _queue_name=queue_of(lane), _expires=_EXPIRES
                )

    async def _drop(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            with contextlib.suppress(*_ERRORS):
                await redis.aclose()

    async def close(self) -> None:
        """Ring what is still wanted, and let go of Redis."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(self._task, _PARTING)
        await self._drop()
