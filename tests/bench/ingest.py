"""Ingest: events into the record."""

import asyncio
from collections.abc import Sequence, Set
from pathlib import Path
from time import perf_counter
from typing import Final

from notifier.runtime.engines import Engines
from tests.bench.client import Client, prepared
from tests.bench.figures import Figure
from tests.bench.house import House, failed_charge, house

_SINGLES: Final = 1200
_CONNECTIONS: Final = 8
_BATCHES: Final = 10
_BATCH: Final = 500
_WARM: Final = 40


async def measure(engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``ingest_single_per_s`` and ``ingest_batch_per_s``."""
    singles, batched = _WARM + _SINGLES, _BATCHES * _BATCH
    async with house("ingest", engines, var, people=singles + batched) as place:
        await place.serve()
        single = await _singles(place)
        batch = await _batches(place, range(singles, singles + batched))
    return _figures(single, batch)


async def _singles(place: House) -> float:
    """Events a second, one in each request, over several connections."""
    requests = [prepared(failed_charge(n), place.key) for n in range(_WARM + _SINGLES)]
    await _spread(place, requests[:_WARM])
    return _SINGLES / await _spread(place, requests[_WARM:])


async def _batches(place: House, people: range) -> float:
    """Events a second in full batches, over one connection."""
    requests = [
        prepared([failed_charge(n) for n in people[at : at + _BATCH]], place.key)
        for at in range(0, len(people), _BATCH)
    ]
    async with Client(place.parts.settings.api_port) as client:
        began = perf_counter()
        for request in requests:
            await client.post(request)
        return len(people) / (perf_counter() - began)


async def _spread(place: House, requests: Sequence[bytes]) -> float:
    """Post over all connections at once; the seconds that it took."""

    async def post(mine: Sequence[bytes]) -> None:
        async with Client(place.parts.settings.api_port) as client:
            for request in mine:
                await client.post(request)

    began = perf_counter()
    await asyncio.gather(*(post(requests[n::_CONNECTIONS]) for n in range(_CONNECTIONS)))
    return perf_counter() - began


def _figures(single: float, batch: float) -> list[Figure]:
    path = "each event is decided and makes one mail in the record; no worker runs; fsync on"
    return [
        Figure(
            name="ingest_single_per_s",
            value=round(single, 1),
            unit="events/s",
            more_is_better=True,
            note=f"{_SINGLES} single events over {_CONNECTIONS} kept connections; {path}",
        ),
        Figure(
            name="ingest_batch_per_s",
            value=round(batch, 1),
            unit="events/s",
            more_is_better=True,
            note=f"{_BATCHES} batches of {_BATCH} over one kept connection; {path}",
        ),
    ]
