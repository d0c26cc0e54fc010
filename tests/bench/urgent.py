"""Latency of what is urgent while a mass mailing is on its way."""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

from notifier.demo.crew import free_port, listening
from notifier.model.message import new_token
from notifier.model.notice import Lane, UncertainPolicy
from notifier.model.states import Channel, State
from notifier.runtime.engines import Engines
from notifier.store import cases, messages
from notifier.store import members as register
from tests.bench import mailing
from tests.bench.client import Client, prepared
from tests.bench.figures import Figure, percentile
from tests.bench.ground import SESSIONS, last_words, program
from tests.bench.house import House, address, failed_charge, house, number
from tests.samples import SCHEME, WRITER

NAMES: Final = ("urgent_p99_ms_during_bulk",)
_BULK: Final = int(os.environ.get("BENCH_BULK", "100000"))
_MEMBERS: Final = 25_000  # that the mailing goes to, again and again
_COUNT: Final = 100  # in each of the two lanes
_APART: Final = (0.04, 0.12)  # seconds between two
_UNDER_WAY: Final = 1000  # mails of the mailing after which it counts
_PATIENCE: Final = 60.0
_GOAL: Final = 500.0
_FACTS: Final = WRITER.sample("refund", "decided").facts


async def measure(engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``urgent_p99_ms_during_bulk``."""
    async with house("urgent", engines, var, people=2 * _COUNT) as place:
        await _mailing(place)
        async with (
            _receiver(place.folder) as (port, log),
            place.crew_at(port, connections=SESSIONS) as crew,
        ):
            crew.keep("serve", "notifier.cli", "serve")
            await listening(place.parts.settings.api_port)
            crew.keep("worker", "notifier.cli", "work")
            await _under_way(log)
            before, began = _counted(log), monotonic()
            standard, urgent = await _send(place)
            rate = (_counted(log) - before) / (monotonic() - began)
            taken = await _taken(log, 2 * _COUNT)
            await _still_under_way(place)
    return [_figure(_waits(standard, taken), _waits(urgent, taken), rate)]


async def _mailing(place: House) -> None:
    engine = place.parts.engine
    each = min(_MEMBERS, _BULK)
    await mailing.register(engine, each)
    for n in range(_BULK // each):
        await mailing.queue(engine, n + 1, each)
    await mailing.tidy(engine)


@asynccontextmanager
async def _receiver(folder: Path) -> AsyncIterator[tuple[int, Path]]:
    port, log = free_port(), (folder / "receiver.log").resolve()
    domain = address(0).partition("@")[2]
    command = (sys.executable, "-m", "tests.bench.receiver", str(port), domain, str(log))
    async with program(*command, log=folder / "receiver.out") as process:
        await listening(port)
        if process.returncode is not None:
            raise RuntimeError(last_words(folder / "receiver.out"))
        yield port, log


async def _under_way(log: Path) -> None:
    async with asyncio.timeout(_PATIENCE):
        while _counted(log) < _UNDER_WAY:  # noqa: ASYNC110
            await asyncio.sleep(0.2)


def _counted(log: Path) -> int:
    """Mails that the receiver has taken in all, as of its last count."""
    return int(log.with_suffix(".count").read_text())


async def _still_under_way(place: House) -> None:
    left = (await mailing.states(place.parts.engine)).get("queued", 0)
    if not left:
        raise RuntimeError("the mailing was over before the last of the others had arrived")


async def _send(place: House) -> tuple[dict[str, float], dict[str, float]]:
    """In turn an event by HTTP and an urgent message by the store: reader → when it was in."""
    standard: dict[str, float] = {}
    urgent: dict[str, float] = {}
    people = [number(n) for n in range(_COUNT, 2 * _COUNT)]
    async with place.parts.engine.connect() as conn:
        found = await register.by_number(conn, people)
    async with Client(place.parts.settings.api_port) as client:
        for n in range(_COUNT):
            await client.post(prepared(failed_charge(n), place.key))
            standard[address(n)] = monotonic()
            await asyncio.sleep(random.uniform(*_APART))
            await _insert(place, n, found[people[n]].member_id)
            urgent[address(_COUNT + n)] = monotonic()
            await place.parts.bell.notify_workers({Lane.URGENT})
            await asyncio.sleep(random.uniform(*_APART))
    return standard, urgent


async def _insert(place: House, n: int, member_id: int) -> None:
    """A refund notice in the lane of what is urgent."""
    now = place.parts.clock.now()
    async with place.parts.engine.begin() as conn:
        ids = await cases.save(conn, [_case(n, member_id, now)], actor=mailing.ACTOR, now=now)
        row = {
            "token": new_token(),
            "case_id": ids[0],
            "member_id": member_id,
            "notice": "refund",
            "step": "decided",
            "channel": Channel.EMAIL,
            "generation": 1,
            "scheme": SCHEME.scheme,
            "language": "ja",
            "lane": int(Lane.URGENT),
            "state": State.QUEUED,
            "reason": "created",
            "uncertain_policy": UncertainPolicy.ASK,
            "next_attempt_at": now,
            "expires_at": now + timedelta(days=7),
            "facts": dict(_FACTS),
            "shown": [],
        }
        await messages.insert(conn, [row], actor=mailing.ACTOR, now=now)


def _case(n: int, member_id: int, now: Any) -> dict[str, Any]:
    return {
        "kind": "refund",
        "source": "bench",
        "matter": f"R-{n}",
        "member_id": member_id,
        "scheme": SCHEME.scheme,
        "state": "open",
        "generation": 1,
        "occurred_at": now,
        "facts": {},
        "reason": "opened",
    }


async def _taken(log: Path, count: int) -> dict[str, float]:
    """Reader → when the receiver answered 250 (monotonic), once all have arrived."""
    async with asyncio.timeout(_PATIENCE):
        while log.read_bytes().count(b"\n") < count:  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.2)
    lines = [line.split(" ", 1) for line in log.read_text().splitlines()]  # noqa: ASYNC240
    return {reader: float(at) for at, reader in lines}


def _waits(accepted: Mapping[str, float], taken: Mapping[str, float]) -> list[float]:
    return [1000 * (taken[reader] - at) for reader, at in accepted.items()]


def _figure(standard: Sequence[float], urgent: Sequence[float], rate: float) -> Figure:
    told = "; ".join(
        f"{what}: p50 {percentile(waits, 0.5):.0f}, p99 {percentile(waits, 0.99):.0f} ms"
        for what, waits in (("events by HTTP", standard), ("urgent messages", urgent))
    )
    return Figure(
        name=NAMES[0],
        value=round(max(percentile(standard, 0.99), percentile(urgent, 0.99)), 1),
        unit="ms",
        goal=_GOAL,
        note=f"the worse of two lanes. {told}. {_COUNT} events (lane standard, from the 202 to the "
        f"receiver's 250) and {_COUNT} messages put into the urgent lane with a ring of the bell "
        f"(from the commit), in turn, while one process of notifier work for all lanes delivers a "
        f"mailing of {_BULK:,} ({rate:,.0f} mails/s meanwhile); no notice to members is urgent",
    )
