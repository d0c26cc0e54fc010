"""``arq workers.settings.Clock``: the periodic jobs in a process of arq's own.

``notifier work`` and ``notifier up`` keep the time themselves; this is for those who run arq under
a supervisor of theirs, with servers of theirs (``NOTIFIER_DATABASE_URL``, ``NOTIFIER_REDIS_URL``).
"""

import os
from contextlib import AsyncExitStack
from typing import Any

from arq.connections import RedisSettings

from notifier.runtime.arq_settings import clock_settings
from notifier.runtime.engines import Engines
from notifier.runtime.job_registry import TIMES, periodic_jobs
from notifier.runtime.parts import joined
from notifier.runtime.periodic import JobContext
from notifier.runtime.settings import load_settings


async def _start(ctx: dict[str, Any]) -> None:
    settings = load_settings()
    ctx["open"] = AsyncExitStack()
    urls = Engines(settings, database=settings.database_name).urls
    parts = await ctx["open"].enter_async_context(joined(settings, urls))
    ctx["jobs"] = JobContext(
        now=parts.clock.now,
        bells={},
        bell=parts.bell,
        jobs=periodic_jobs(parts),
        metrics=parts.job_metrics,
    )


async def _end(ctx: dict[str, Any]) -> None:
    await ctx["open"].aclose()


class Clock:
    """Each periodic job at its times, in one process of all that keep the time."""

    vars().update(clock_settings(TIMES))
    handle_signals = True
    on_startup, on_shutdown = _start, _end
    redis_settings = RedisSettings.from_dsn(os.environ["NOTIFIER_REDIS_URL"])
