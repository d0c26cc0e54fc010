"""A station: the lanes that one process serves, from shift to shift.

A shift is the life of one worker in the record. It ends on an orderly stop, or when the worker
was declared dead meanwhile; then what is in flight is finished and another shift begins.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.notice import Lane
from notifier.model.relay import Relay, relays_for
from notifier.store.failures import patiently

from .bell import Doorbell
from .deliverer import Deliverer
from .destinations import Destinations
from .gate import Gates
from .relay import Pool
from .render import Renderer
from .settle import settle_dead
from .worker import Worker

log = structlog.get_logger(__name__)

_SHORT: Final = 5.0  # seconds: a shift that breaks off before has hardly begun
_MOST_BROKEN: Final = 3  # such shifts in a row before whoever runs the station hears of it
#: Parts of the relay's connections that each lane has to itself.
_WEIGHTS: Final = {Lane.URGENT: 1, Lane.STANDARD: 2, Lane.BULK: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What delivery needs, joined by whoever starts a process."""

    engine: AsyncEngine
    renderer: Renderer
    relays: Sequence[Relay]
    destinations: Destinations
    journals: Path  # a folder of this host
    lease: timedelta
    now: Callable[[], datetime]
    bells: Mapping[Lane, Doorbell]  # its lanes, each with what wakes it


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


async def deliver(station: Station, stop: asyncio.Event) -> None:
    """Deliver until ``stop`` is set and what was in flight has ended.

    Raises what broke off several shifts in a row, each at its beginning.
    """
    broken = 0
    while not stop.is_set():
        began = monotonic()
        try:
            await _shift(station, stop)
        except Exception:
            log.exception("shift broke off")
            broken = broken + 1 if monotonic() - began < _SHORT else 1
            if broken >= _MOST_BROKEN:
                raise
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await stop.wait()


async def _shift(station: Station, stop: asyncio.Event) -> None:
    async def settle() -> int:
        return await settle_dead(station.engine, station.journals, now=station.now())

    await patiently(settle, what="settle", until=stop.is_set)
    worker = await Worker.start(
        station.engine, station.journals, lease=station.lease, until=stop.is_set
    )
    try:
        await _serve(station, worker, stop)
    finally:
        await worker.stop()


async def _serve(station: Station, worker: Worker, stop: asyncio.Event) -> None:
    """Run all lanes until one breaks, the worker is lost or it is time to stop."""
    sizes = shares(station.relays, station.bells)
    gates = Gates(station.relays, station.destinations, bulk=sizes.get(Lane.BULK, 1))
    worker.on_beat = gates.share_among
    deliverers = [_deliverer(station, worker, gates, lane, size) for lane, size in sizes.items()]
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


def _deliverer(station: Station, worker: Worker, gates: Gates, lane: Lane, size: int) -> Deliverer:
    return Deliverer(
        lane,
        engine=station.engine,
        worker=worker,
        pool=Pool(relays_for(lane, station.relays), gates, size=size, lane=lane),
        gates=gates,
        renderer=station.renderer,
        now=station.now,
        bell=station.bells[lane],
    )
