"""A worker process: delivers its lanes, and lets arq wake it and keep its time."""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

from arq.worker import Worker
from redis.exceptions import RedisError

from notifier.channels.mail import Mail
from notifier.delivery.compose import StaffSender
from notifier.delivery.process import WorkerProcess
from notifier.delivery.resolve import sweep
from notifier.delivery.wake_up import LaneNotifier, WakeUp, open_redis, queue_of
from notifier.logs import get_logger
from notifier.model.notice import Lane
from notifier.rendering.writer import Writer
from notifier.store.db import connect
from notifier.webhooks.teller import tell

from .arq_settings import clock_settings, long_settings, ring_settings
from .clock import clock_of
from .destinations import destinations_of
from .engines import Urls
from .job_registry import SECONDS, periodic_jobs
from .long_work import run_here
from .parts import Parts
from .periodic import CountedJobs, JobContext, JobMetrics, PeriodicJob, registry
from .rendering import renderer
from .sender import staff_sender
from .settings import Settings
from .supervision import Supervisor
from .telling import telling

log = get_logger(__name__)

#: A mail makes some hundred objects, and no rings of them: looking for these rarely is enough.
_COLLECT: Final = (20_000, 20, 20)
_REST: Final = 1.0  # seconds before Redis is tried again
_ERRORS: Final = (RedisError, OSError, TimeoutError)


def journals(given: Settings) -> Path:
    """Where the workers of this host keep their journals."""
    return given.var / "journal"


async def work_on(parts: Parts, lanes: Collection[Lane], stop: asyncio.Event) -> None:
    """Deliver lanes, and let time pass in the record, until told to stop."""

    def working() -> Awaitable[None]:
        return work(
            parts.settings,
            parts.urls,
            lanes,
            writer=parts.writer,
            house=staff_sender(parts.settings),
            jobs=periodic_jobs(parts),
            metrics=parts.job_metrics,
            long_work=partial(run_here, parts),
            stop=stop,
            supervisor=parts.supervisor,
        )

    keep = parts.supervisor.keep
    async with asyncio.TaskGroup() as group:
        group.create_task(keep("delivery", working, stop=stop))
        group.create_task(keep("webhooks", lambda: tell_others(parts, stop), stop=stop))


async def tell_others(parts: Parts, stop: asyncio.Event) -> None:
    """Call webhooks beside delivery, until told to stop."""
    async with telling(parts) as desk:
        await tell(desk, stop)


async def work(
    given: Settings,
    urls: Urls,
    lanes: Collection[Lane],
    *,
    writer: Writer,
    house: StaffSender,
    jobs: Mapping[str, PeriodicJob] | None = None,
    metrics: JobMetrics | None = None,
    long_work: Callable[[int], Awaitable[object]] | None = None,
    stop: asyncio.Event,
    supervisor: Supervisor | None = None,
) -> None:
    """Deliver ``lanes`` until ``stop`` is set; returns when what was in flight has ended.

    ``jobs`` run at their times in one of all processes, and in each while Redis is away.
    """
    _spare_the_collector()
    engine = connect(urls.database, size=given.database_pool)
    now = clock_of(given).now
    bells = {lane: WakeUp() for lane in sorted(lanes)}
    station = WorkerProcess(
        engine=engine,
        renderer=renderer(given, writer, house, engine=engine),
        relays=given.relays,
        destinations=destinations_of(given),
        journals=journals(given),
        lease=timedelta(seconds=given.lease_seconds),
        now=now,
        wake_ups=bells,
    )
    try:
        async with LaneNotifier(urls.redis) as bell:
            context = JobContext(
                now=now,
                bells=bells,
                bell=bell,
                jobs=registry([_leases(station), *(jobs or {}).values()]),
                metrics=metrics or CountedJobs(),
                long_work=long_work,
            )
            await _run(station, context, urls.redis, stop, supervisor or Supervisor())
    finally:
        await engine.dispose()


def _spare_the_collector() -> None:
    """What was made by now (templates, modules) stays: it need not be looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


async def _run(
    station: WorkerProcess,
    context: JobContext,
    redis_url: str,
    stop: asyncio.Event,
    supervisor: Supervisor,
) -> None:
    async with contextlib.AsyncExitStack() as beside:
        for name, helper in _helpers(station, context, redis_url):
            await beside.enter_async_context(supervisor.beside(name, helper))
        await Mail.deliver(station, stop)


def _helpers(
    station: WorkerProcess, context: JobContext, redis_url: str
) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """What runs beside delivery, each with a name for the log."""
    for job in context.jobs.values():
        if job.everywhere:
            yield job.name, partial(_by_timer, context, job)
    for lane, bell in station.wake_ups.items():
        given = ring_settings(queue_of(lane))
        yield f"bell {lane.name.lower()}", partial(listen, redis_url, given, context, bell)
    if context.long_work:
        yield "long work", partial(listen, redis_url, long_settings(), context)
    clock = clock_settings({n: j.every for n, j in context.jobs.items() if not j.everywhere})
    yield "clock", partial(listen, redis_url, clock, context, keep=True)


def _leases(station: WorkerProcess) -> PeriodicJob:
    """The sweep of leases and journals: only the own host can judge its journals."""

    async def run(_now: datetime) -> set[Lane]:
        await sweep(station.engine, station.journals, lease=station.lease, now=station.now())
        return set()

    every = timedelta(seconds=min(SECONDS, station.lease.total_seconds() / 4))
    return PeriodicJob(name="leases", every=every, run=run, everywhere=True)


async def _by_timer(context: JobContext, job: PeriodicJob) -> None:
    while True:
        await context.run(job.name)
        await asyncio.sleep(job.every.total_seconds())


async def listen(
    redis_url: str,
    given: Mapping[str, Any],
    context: JobContext,
    doorbell: WakeUp | None = None,
    *,
    keep: bool = False,
) -> None:
    """Run an arq worker for ever, a new one whenever Redis was away.

    With ``doorbell`` it takes jobs only while that is listened to; with ``keep`` the time goes on
    meanwhile.
    """
    last = dict.fromkeys(context.jobs, monotonic())
    while True:
        try:
            await _listen_once(redis_url, given, context, doorbell)
        except _ERRORS as error:
            log.warning("bell away", queue=given["queue_name"], error=type(error).__name__)
        await asyncio.sleep(_REST)
        if keep:
            await _keep_time(context, last)


async def _keep_time(context: JobContext, last: dict[str, float]) -> None:
    """Run what is due while nobody strikes; ``last``: when each job was run here."""
    now = monotonic()
    due = [
        name
        for name, job in context.jobs.items()
        if not job.everywhere and now - last[name] >= job.every.total_seconds()
    ]
    last.update(dict.fromkeys(due, now))
    await asyncio.gather(*(context.run(name) for name in due))


class _Listener(Worker):
    """Leaves rings where they are while their lane is at work anyway: asking costs as well."""

    doorbell: WakeUp | None = None

    @property
    def allow_pick_jobs(self) -> bool:
        """Whether to look for jobs."""
        return self.doorbell is None or self.doorbell.is_listened_to

    @allow_pick_jobs.setter
    def allow_pick_jobs(self, _: bool) -> None:
        """The library sets it once, at the start."""


async def _listen_once(
    redis_url: str, given: Mapping[str, Any], context: JobContext, doorbell: WakeUp | None
) -> None:
    redis = await open_redis(redis_url)
    try:
        worker = _Listener(**given, redis_pool=redis, ctx={"jobs": context})
        worker.doorbell = doorbell
        try:
            await worker.async_run()
        finally:
            with contextlib.suppress(*_ERRORS):
                await worker.close()
    finally:
        with contextlib.suppress(*_ERRORS):
            await redis.aclose()
