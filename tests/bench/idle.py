"""Latency when idle: from the 202 that the client reads to the relay's 250."""

import asyncio
import random
from collections.abc import Mapping, Set
from pathlib import Path
from time import monotonic
from typing import Final

from notifier.runtime.engines import Engines
from tests.bench.client import Client, prepared
from tests.bench.figures import Figure, percentile
from tests.bench.house import House, address, failed_charge, house

_COUNT: Final = 150
_WARM: Final = 15
_APART: Final = (0.2, 0.4)  # seconds between two events; uneven, not in step with any poll
_NAMES: Final = ("idle_p50_ms", "idle_p99_ms")
_GOALS: Final = (30.0, 100.0)  # of the median and of the 99th percentile


async def measure(engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``idle_p50_ms`` and ``idle_p99_ms``."""
    count = _WARM + _COUNT
    async with house("idle", engines, var, people=count) as place:
        await place.relay()
        await place.serve()
        place.work()
        accepted = await _post(place, count)
        lines = await place.until_taken(count)
    taken = {line["rcpt"][0]: line["taken_at"] for line in lines}
    return _figures([ms for n, ms in enumerate(_waits(accepted, taken)) if n >= _WARM])


async def _post(place: House, count: int) -> dict[str, float]:
    """Post one event at a time; reader → when the 202 was read."""
    accepted: dict[str, float] = {}
    async with Client(place.parts.settings.api_port) as client:
        for n in range(count):
            request = prepared(failed_charge(n), place.key)
            await client.post(request)
            accepted[address(n)] = monotonic()
            if n == 0:
                await place.until_taken(1)  # the worker may still be starting
            await asyncio.sleep(random.uniform(*_APART))
    return accepted


def _waits(accepted: Mapping[str, float], taken: Mapping[str, float]) -> list[float]:
    return [1000 * (taken[reader] - at) for reader, at in accepted.items()]


def _figures(waits: list[float]) -> list[Figure]:
    note = (
        f"{len(waits)} single events by HTTP over a kept connection, {_APART[0]} to {_APART[1]} s "
        "apart; serve, work and relay are processes of their own; from the 202 read by the client "
        "to the relay's 250; fsync on"
    )
    return [
        Figure(name=name, value=round(percentile(waits, part), 1), unit="ms", goal=goal, note=note)
        for name, part, goal in zip(_NAMES, (0.5, 0.99), _GOALS, strict=True)
    ]
