"""Endurance: what a worker needs, and what a mail costs, over a queue of a million."""

import asyncio
import os
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

import psutil
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.runtime.engines import Engines
from notifier.store.db import scalar
from tests.bench import mailing
from tests.bench.figures import ABSENT, Absent, Figure
from tests.bench.house import House, house
from tests.bench.meter import Meter
from tests.bench.sink import Sink, sink

NAMES: Final = ("worker_rss_mb_1m", "cost_growth_1m_vs_10k")
_CONNECTIONS: Final = 32  # to the sink: what is written ahead grows with them
MESSAGES: Final = int(os.environ.get("BENCH_MESSAGES", "1000000"))
_MEMBERS: Final = 50_000  # that mailings go to, one after the other
#: Parts of the run whose costs are compared; of a million: 5,000 to 30,000, and the last 10 %.
_EARLY: Final = (0.005, 0.03)
_LATE: Final = (0.9, 0.995)
_APART: Final = 0.5  # seconds between two looks
_STALL: Final = 120.0  # seconds without any mail after which it is given up
_GOALS: Final = (150.0, 1.2)
_UNITS: Final = ("MB", "ratio")


@dataclass(frozen=True, slots=True)
class Look:
    """How things stand at a moment."""

    taken: int
    at: float  # monotonic
    cpu: float  # seconds of processor time: the worker's and PostgreSQL's
    rss: int  # bytes, the worker's


async def measure(engines: Engines, var: Path, wanted: Set[str]) -> list[Figure]:
    """``worker_rss_mb_1m`` and ``cost_growth_1m_vs_10k``."""
    try:
        async with house("endurance", engines, var, people=0) as place, sink(place.folder) as drain:
            await _fill(place.parts.engine)
            looks = await _run(place, drain)
    except Absent as error:
        return [
            Figure(name=name, value=None, unit=unit, goal=goal, peer=ABSENT, note=str(error))
            for name, unit, goal in zip(NAMES, _UNITS, _GOALS, strict=True)
        ]
    return _figures(looks)


async def _fill(engine: AsyncEngine) -> None:
    each = min(_MEMBERS, MESSAGES)
    await mailing.register(engine, each)
    for n in range(MESSAGES // each):
        await mailing.queue(engine, n + 1, each)
    await mailing.tidy(engine)


async def _run(place: House, drain: Sink) -> list[Look]:
    meter = Meter(drain, MESSAGES)
    server = await _server(place.parts.engine)
    async with place.crew_at(drain.port, connections=_CONNECTIONS) as crew:
        crew.keep("worker", "notifier.cli", "work", "bulk")
        worker = await _process(place.folder / "worker.pid")
        looks = [_look(meter, worker, server)]
        moved = monotonic()
        while looks[-1].taken < MESSAGES:
            await asyncio.sleep(_APART)
            looks.append(_look(meter, worker, server))
            if looks[-1].taken > looks[-2].taken:
                moved = monotonic()
            elif monotonic() - moved > _STALL:
                raise TimeoutError(f"nothing for {_STALL:g} s after {looks[-1].taken:,}")
    return looks


async def _server(engine: AsyncEngine) -> psutil.Process:
    """The main process of PostgreSQL."""
    async with engine.connect() as conn:
        mine = psutil.Process(await scalar(conn, "SELECT pg_backend_pid()"))
    parent = mine.parent()
    if parent is None:
        raise RuntimeError("PostgreSQL does not run on this machine")
    return parent


async def _process(pid: Path) -> psutil.Process:
    """The worker, once its crew has started it."""
    async with asyncio.timeout(10):
        while not pid.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.05)
    return psutil.Process(int(pid.read_text()))  # noqa: ASYNC240


def _look(meter: Meter, worker: psutil.Process, server: psutil.Process) -> Look:
    mine = worker.cpu_times()
    cpu = mine.user + mine.system + _with_children(server)
    return Look(meter.taken(), monotonic(), cpu, worker.memory_info().rss)


def _with_children(server: psutil.Process) -> float:
    """Processor time of PostgreSQL: of processes that live and of those that have ended."""
    own = server.cpu_times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for child in server.children():
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        seconds += times.user + times.system
    return float(seconds)


def _part(looks: Sequence[Look], part: tuple[float, float]) -> tuple[float, float]:
    """Within a part of the run: processor time of a mail in µs, and mails a second."""
    low, high = (part[0] * looks[-1].taken, part[1] * looks[-1].taken)
    within = [look for look in looks if low <= look.taken <= high]
    if len(within) < 2:
        raise RuntimeError(f"too few mails ({MESSAGES:,}) to compare parts of the run")
    first, last = within[0], within[-1]
    count = last.taken - first.taken
    return 1e6 * (last.cpu - first.cpu) / count, count / (last.at - first.at)


def _figures(looks: Sequence[Look]) -> list[Figure]:
    early, early_rate = _part(looks, _EARLY)
    late, late_rate = _part(looks, _LATE)
    what = f"{MESSAGES:,} mails, one worker, {_CONNECTIONS} connections to smtp-sink; fsync on"
    peak = max(look.rss for look in looks) / 2**20
    return [
        Figure(
            name=NAMES[0],
            value=round(peak, 1),
            unit=_UNITS[0],
            goal=_GOALS[0],
            note=f"largest resident memory of the worker, seen twice a second; {what}",
        ),
        Figure(
            name=NAMES[1],
            value=round(late / early, 3),
            unit=_UNITS[1],
            goal=_GOALS[1],
            note=f"processor time of a mail (worker and PostgreSQL) in the last tenth ({late:.0f} "
            f"µs) by that near the ten thousandth ({early:.0f} µs); {early_rate:,.0f} and "
            f"{late_rate:,.0f} mails/s; {what}",
        ),
    ]
