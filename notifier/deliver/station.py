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
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.notice import Lane
from notifier.model.relay import Relay

from .away import patiently
from .deliverer import Deliverer
from .relay import Pool
from .render import Renderer
from .settle import settle_dead
from .worker import Worker

log = structlog.get_logger(__name__)

#: Parts of the relay's connections that each lane has to itself.
_WEIGHTS: Final = {Lane.URGENT: 1, Lane.STANDARD: 2, Lane.BULK: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """What delivery needs, joined by whoever starts a process."""

    engine: AsyncEngine
    renderer: Renderer
    relays: Sequence[Relay]
    journals: Path  # a folder of this host
    lease: timedelta
    now: Callable[[], datetime]
    bells: Mapping[Lane, asyncio.Event]  # its lanes, each with what wakes it


def shares(total: int, lanes: Iterable[Lane]) -> dict[Lane, int]:
    """How many connections each lane has, at least one; lanes that nobody serves have none."""
    served = sorted(set(lanes))
    whole = sum(_WEIGHTS[lane] for lane in served)
    return {lane: max(1, total * _WEIGHTS[lane] // whole) for lane in served}


async def deliver(station: Station, stop: asyncio.Event) -> None:
    """Deliver until ``stop`` is set and what was in flight has ended."""
    while not stop.is_set():
        try:
            await _shift(station, stop)
        except Exception:
            log.exception("shift broke off")
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
    deliverers = [_deliverer(station, worker, lane) for lane in station.bells]
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


def _deliverer(station: Station, worker: Worker, lane: Lane) -> Deliverer:
    total = max(relay.connections for relay in station.relays)
    return Deliverer(
        lane,
        engine=station.engine,
        worker=worker,
        pool=Pool(station.relays, size=shares(total, station.bells)[lane]),
        renderer=station.renderer,
        now=station.now,
        bell=station.bells[lane],
    )
