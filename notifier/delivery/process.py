"""A worker process: the lanes that it serves, from session to session.

A session is the life of one worker in the record. It ends on an orderly stop, or when the worker
was declared dead meanwhile; then what is in flight is finished and another session begins.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.model.notice import Lane
from notifier.model.relay import Relay, relays_for
from notifier.store.failures import patiently

from .deliverer import Deliverer
from .destinations import Destinations
from .gate import Gates
from .pool import ConnectionPool
from .render import Renderer
from .resolve import resolve_dead_workers
from .session import WorkerSession
from .wake_up import WakeUp

log = get_logger(__name__)

_SHORT: Final = 5.0  # seconds: a session that breaks off before has hardly begun
_MOST_BROKEN: Final = 3  # such sessions in a row before whoever runs the process hears of it
#: Parts of the relay's connections that each lane has to itself.
_WEIGHTS: Final = {Lane.URGENT: 1, Lane.STANDARD: 2, Lane.BULK: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerProcess:
    """What delivery needs, joined by whoever starts a process."""

    engine: AsyncEngine
    renderer: Renderer
    relays: Sequence[Relay]
    destinations: Destinations
    journals: Path  # a folder of this host
    lease: timedelta
    now: Callable[[], datetime]
    wake_ups: Mapping[Lane, WakeUp]  # its lanes, each with what wakes it


def shares(relays: Sequence[Relay], lanes: Iterable[Lane]) -> dict[Lane, int]:
    """How many connections each of these lanes has, at least one.

    Lanes that share a relay share its connections by their weights.
    """
    served = {lane: relays_for(lane, relays) for lane in sorted(set(lanes))}
    found = {}
    for lane, mine in served.items():
        total = max(relay.connections for relay in mine)
        beside = [other for other, theirs in served.items() if set(mine) & set(theirs)]
        whole = sum(_WEIGHTS[other] for other in beside)
        found[lane] = max(1, total * _WEIGHTS[lane] // whole)
    return found


async def deliver(process: WorkerProcess, stop: asyncio.Event) -> None:
    """Deliver until ``stop`` is set and what was in flight has ended.

    Raises what broke off several sessions in a row, each at its beginning.
    """
    broken = 0
    while not stop.is_set():
        began = monotonic()
        try:
            await _session(process, stop)
        except Exception:
            log.exception("session broke off")
            broken = broken + 1 if monotonic() - began < _SHORT else 1
            if broken >= _MOST_BROKEN:
                raise
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await stop.wait()


async def _session(process: WorkerProcess, stop: asyncio.Event) -> None:
    async def resolve() -> int:
        return await resolve_dead_workers(process.engine, process.journals, now=process.now())

    await patiently(resolve, what="resolve", until=stop.is_set)
    worker = await WorkerSession.start(
        process.engine, process.journals, lease=process.lease, until=stop.is_set
    )
    try:
        await _serve(process, worker, stop)
    finally:
        await worker.stop()


async def _serve(process: WorkerProcess, worker: WorkerSession, stop: asyncio.Event) -> None:
    """Run all lanes until one breaks, the worker is lost or it is time to stop."""
    sizes = shares(process.relays, process.wake_ups)
    gates = Gates(process.relays, process.destinations, bulk=sizes.get(Lane.BULK, 1))
    worker.on_beat = gates.share_among
    deliverers = [_deliverer(process, worker, gates, lane, size) for lane, size in sizes.items()]
    runs = [asyncio.create_task(d.run()) for d in deliverers]
    signs = [asyncio.create_task(stop.wait()), asyncio.create_task(worker.lost.wait())]
    try:
        await asyncio.wait([*runs, *signs], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for deliverer in deliverers:
            deliverer.stop()
        for sign in signs:
            sign.cancel()
        ended = await asyncio.gather(*runs, return_exceptions=True)
        await asyncio.gather(*signs, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException):
            raise error


def _deliverer(
    process: WorkerProcess, worker: WorkerSession, gates: Gates, lane: Lane, size: int
) -> Deliverer:
    return Deliverer(
        lane,
        engine=process.engine,
        worker=worker,
        pool=ConnectionPool(relays_for(lane, process.relays), gates, size=size, lane=lane),
        gates=gates,
        renderer=process.renderer,
        now=process.now,
        wake_up=process.wake_ups[lane],
    )
