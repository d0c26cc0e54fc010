"""arq settings. Delivery does not live inside arq: it goes on while Redis is away."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import orjson
from arq import cron, func
from arq.cron import CronJob

from notifier.model.notice import Lane

#: What all our workers have in common.
_COMMON: Final[dict[str, Any]] = {
    "handle_signals": False,  # the process has its own, for an orderly stop
    "keep_result": 0,
    "max_tries": 1,
    "job_serializer": orjson.dumps,
    "job_deserializer": orjson.loads,
    "log_results": False,
}
#: The name of the arq job that does long work, and where it is called.
LONG: Final = "long"
LONG_QUEUE: Final = "notifier:long"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)


async def ring(ctx: dict[str, Any], lane: int) -> None:
    """Something waits in a lane."""
    ctx["jobs"].wake({Lane(lane)})


def ring_settings(queue: str) -> dict[str, Any]:
    """Return the settings of what wakes a lane. There is one for each lane, on its own queue."""
    functions = [func(ring, name="ring")]
    # poll_delay: seconds, and what an idle lane waits at most
    return {**_COMMON, "functions": functions, "queue_name": queue, "poll_delay": 0.02}


async def long(ctx: dict[str, Any], job_id: int) -> None:
    """Long work waits for somebody to do it."""
    await ctx["jobs"].long_work(job_id)


def long_settings() -> dict[str, Any]:
    """Return the settings of who does long work; it may take a day."""
    functions = [func(long, name=LONG, timeout=_DAY)]
    return {
        **_COMMON,
        "functions": functions,
        "queue_name": LONG_QUEUE,
        "poll_delay": 0.5,
        "max_jobs": 2,
    }


def clock_settings(times: Mapping[str, timedelta]) -> dict[str, Any]:
    """Return the settings of the clock: each job, by name, at its times, in one process of all.

    A job takes as long as it takes; the others begin at their times meanwhile. One whose next time
    is far off runs at the start of a process as well.
    """
    return {
        **_COMMON,
        "cron_jobs": [_cron(name, every) for name, every in times.items()],
        "queue_name": "notifier:clock",
        "poll_delay": 0.5,
        "max_jobs": len(times) + 1,
        "job_timeout": _DAY,
    }


def _cron(name: str, every: timedelta) -> CronJob:
    async def run(ctx: dict[str, Any]) -> None:
        await ctx["jobs"].run(name)

    at_start = every >= _HOUR
    return cron(run, name=name, unique=True, max_tries=1, run_at_startup=at_start, **_times(every))


def _times(every: timedelta) -> dict[str, Any]:
    """Return when arq's clock strikes. Raise ``ValueError`` where it cannot."""
    finer: dict[str, Any] = {}
    for unit, one, count in (
        ("second", timedelta(seconds=1), 60),
        ("minute", timedelta(minutes=1), 60),
        ("hour", timedelta(hours=1), 24),
    ):
        if not every % one and every < count * one and not count * one % every:
            return {**finer, unit: set(range(0, count, every // one))}
        finer[unit] = 0
    raise ValueError(f"no part of a minute, an hour or a day: {every}")
