"""A worker process: delivers its lanes, and lets arq wake it and keep its time."""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Final

import structlog
from arq.worker import Worker
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import rejected
from notifier.app.housekeeping import tidy
from notifier.app.test_mode import forget_tests
from notifier.cases import sweep as cases
from notifier.channels.adapter import TransportContext
from notifier.channels.mail import Mail
from notifier.channels.registry import send_due
from notifier.delivery.away import is_away
from notifier.delivery.compose import StaffSender
from notifier.delivery.process import WorkerProcess
from notifier.delivery.resolve import sweep
from notifier.delivery.wake_up import LaneNotifier, WakeUp, open_redis, queue_of
from notifier.model.notice import Lane
from notifier.printing.handover import note_dead_handovers
from notifier.rendering.writer import Writer
from notifier.returns import sweep as returns
from notifier.returns.sweep import direct_labels
from notifier.runtime.clock import clock_of
from notifier.runtime.destinations import destinations_of
from notifier.runtime.engines import Urls
from notifier.runtime.parts import Parts
from notifier.runtime.pressing import press_room
from notifier.runtime.rendering import renderer
from notifier.runtime.sender import staff_sender
from notifier.runtime.settings import Settings
from notifier.runtime.supervision import Supervisor
from notifier.runtime.telling import telling
from notifier.store.db import connect
from notifier.webhooks.teller import tell
from notifier.wording.editions import Editions

from .floor import Floor, Hook
from .settings import SECONDS, Clock, Ring, settings

log = structlog.get_logger(__name__)

#: A mail makes some hundred objects, and no rings of them: looking for these rarely is enough.
_COLLECT: Final = (20_000, 20, 20)
_REST: Final = 1.0  # seconds before Redis is tried again
_TIDY: Final = 6 * 3600.0  # seconds
_ERRORS: Final = (RedisError, OSError, TimeoutError)


def journals(given: Settings) -> Path:
    """Where the workers of this host keep their journals."""
    return given.var / "journal"


async def work_on(parts: Parts, lanes: Collection[Lane], stop: asyncio.Event) -> None:
    """Deliver lanes, and let time pass in the cases, until told to stop."""

    async def tick(engine: AsyncEngine, now: datetime) -> set[Lane]:
        async with engine.connect() as conn:
            house = await parts.house(conn)
        return await cases.sweep(engine, house, now=now)

    async def press(_engine: AsyncEngine, _now: datetime) -> set[Lane]:
        await note_dead_handovers(press_room(parts))
        return set()

    async def track(engine: AsyncEngine, now: datetime) -> set[Lane]:
        await returns.sweep(engine, direct=direct_labels(parts.settings.relays), now=now)
        return set()

    async def kept_apart(engine: AsyncEngine, now: datetime) -> set[Lane]:
        keep = timedelta(days=parts.settings.rejected_keep_days)
        await rejected.tidy(engine, keep=keep, now=now)
        await forget_tests(engine, now)
        return set()

    def working() -> Awaitable[None]:
        return work(
            parts.settings,
            parts.urls,
            lanes,
            writer=parts.writer,
            house=staff_sender(parts.settings),
            hooks=(tick, press, track, channels(parts), housekeeping(parts), kept_apart),
            stop=stop,
            supervisor=parts.supervisor,
        )

    keep = parts.supervisor.keep
    async with asyncio.TaskGroup() as group:
        group.create_task(keep("delivery", working, stop=stop))
        group.create_task(keep("webhooks", lambda: tell_others(parts, stop), stop=stop))


def channels(parts: Parts) -> Hook:
    """What is due on channels that have no workers of their own."""
    context = TransportContext(
        engine=parts.engine,
        present=Editions(parts.engine, parts.writer).present,
        sender=staff_sender(parts.settings),
        folder=parts.settings.var,
        now=parts.clock.now,
    )

    async def sent(_engine: AsyncEngine, _now: datetime) -> set[Lane]:
        await send_due(context)
        return set()

    return sent


def housekeeping(parts: Parts) -> Hook:
    """Partitions ahead of time, and rules of retention: now, and every few hours."""
    due = 0.0

    async def tidied(engine: AsyncEngine, now: datetime) -> set[Lane]:
        nonlocal due
        if monotonic() >= due:
            due = monotonic() + _TIDY
            rules = parts.settings.retention
            done = await tidy(engine, rules, owner_url=parts.urls.migrations, now=now)
            log.info("tidied", **asdict(done))
            due = 0.0 if done.more else due
        return set()

    return tidied


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
    hooks: Sequence[Hook] = (),
    stop: asyncio.Event,
    supervisor: Supervisor | None = None,
) -> None:
    """Deliver ``lanes`` until ``stop`` is set; returns when what was in flight has ended.

    ``hooks`` are what time brings to other rooms; they run about every 15 seconds in one of all
    processes, and in each while Redis is away.
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
            floor = Floor(engine=engine, now=now, bells=bells, bell=bell, hooks=tuple(hooks))
            await _run(station, floor, urls.redis, stop, supervisor or Supervisor())
    finally:
        await engine.dispose()


def _spare_the_collector() -> None:
    """What was made by now (templates, modules) stays: it need not be looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECT)


async def _run(
    station: WorkerProcess,
    floor: Floor,
    redis_url: str,
    stop: asyncio.Event,
    supervisor: Supervisor,
) -> None:
    async with contextlib.AsyncExitStack() as beside:
        for name, helper in _helpers(station, floor, redis_url):
            await beside.enter_async_context(supervisor.beside(name, helper))
        await Mail.deliver(station, stop)


def _helpers(
    station: WorkerProcess, floor: Floor, redis_url: str
) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
    """What runs beside delivery, each with a name for the log."""
    yield "sweep", lambda: _sweep_for_ever(station)
    for lane, bell in station.wake_ups.items():
        given = {**settings(Ring), "queue_name": queue_of(lane)}
        yield f"bell {lane.name.lower()}", partial(listen, redis_url, given, floor, bell)
    yield "clock", partial(listen, redis_url, settings(Clock), floor, keep=True)


async def _sweep_for_ever(station: WorkerProcess) -> None:
    """Sweep in every process: only the own host can judge its journals."""
    while True:
        try:
            await sweep(station.engine, station.journals, lease=station.lease, now=station.now())
        except Exception as error:
            log.warning("sweep failed", exc_info=not is_away(error))
        await asyncio.sleep(min(SECONDS, station.lease.total_seconds() / 4))


async def listen(
    redis_url: str,
    given: Mapping[str, Any],
    floor: Floor,
    doorbell: WakeUp | None = None,
    *,
    keep: bool = False,
) -> None:
    """Run an arq worker for ever, a new one whenever Redis was away.

    With ``doorbell`` it takes jobs only while that is listened to; with ``keep`` the time goes on
    meanwhile.
    """
    ticked = monotonic()
    while True:
        try:
            await _listen_once(redis_url, given, floor, doorbell)
        except _ERRORS as error:
            log.warning("bell away", queue=given["queue_name"], error=type(error).__name__)
        await asyncio.sleep(_REST)
        if keep and monotonic() - ticked >= SECONDS:
            ticked = monotonic()
            await floor.tick()


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
    redis_url: str, given: Mapping[str, Any], floor: Floor, doorbell: WakeUp | None
) -> None:
    redis = await open_redis(redis_url)
    try:
        worker = _Listener(**given, redis_pool=redis, ctx={"floor": floor})
        worker.doorbell = doorbell
        try:
            await worker.async_run()
        finally:
            with contextlib.suppress(*_ERRORS):
                await worker.close()
    finally:
        with contextlib.suppress(*_ERRORS):
            await redis.aclose()
