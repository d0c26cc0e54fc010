"""Faults: what breaks, and how many replies each may cost.

``permits`` sums the transmission permits that were outstanding at the moments of those faults
that can lose a reply: no more messages may become uncertain.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from enum import StrEnum
from pathlib import Path
from time import monotonic
from typing import Final

import psutil

from notifier.demo.crew import listening
from tests.chaos.house import LEASE, WORKERS, House, flush, frozen, send, settled
from tests.chaos.sink import Cut, Manner, Sink, Stage

_MOST_CUTS: Final = 6  # in a row; with five the engine gives the relay a rest
_PARTING: Final = 10.0  # seconds in which what a killed process had started is to end
_PATIENCE: Final = 30.0  # seconds for a process to be there, or to be gone


class Kind(StrEnum):
    """What breaks."""

    WORKER_KILLED = "worker_killed"
    WORKER_STOPPED = "worker_stopped"  # an orderly stop
    WORKER_PAUSED = "worker_paused"  # stands still for longer than its lease, and goes on
    INTAKE_KILLED = "intake_killed"
    BELL_FLUSHED = "bell_flushed"
    BELL_KILLED = "bell_killed"
    STREAM_FLUSHED = "stream_flushed"
    STREAM_KILLED = "stream_killed"
    POSTGRES_STOPPED = "postgres_stopped"  # in immediate mode: recovers from its log
    POSTGRES_KILLED = "postgres_killed"
    CUT_BEFORE_DATA = "cut_before_data"
    CUT_DURING_DATA = "cut_during_data"
    CUT_AFTER_DATA_LOST = "cut_after_data_lost"
    CUT_AFTER_DATA_KEPT = "cut_after_data_kept"
    RELAY_DOWN = "relay_down"  # every connection is cut, and nobody listens for a while
    STORM_421 = "storm_421"
    SLOW_250 = "slow_250"
    FILES_USED_UP = "files_used_up"  # a process gets no further file descriptor for a while
    DISK_FULL = "disk_full"
    COLLECT_KILLED = "collect_killed"  # while letters are being bound


_WEIGHTS: Final = {Kind.WORKER_KILLED: 4, Kind.INTAKE_KILLED: 2, Kind.STORM_421: 2}
_CUTS: Final = {
    Kind.CUT_BEFORE_DATA: Cut.BEFORE_DATA,
    Kind.CUT_DURING_DATA: Cut.DURING_DATA,
    Kind.CUT_AFTER_DATA_LOST: Cut.LOST,
    Kind.CUT_AFTER_DATA_KEPT: Cut.KEPT,
}
#: What also happens while PostgreSQL is away, now and then.
_MEANWHILE: Final = (Kind.WORKER_KILLED, Kind.INTAKE_KILLED, Kind.BELL_FLUSHED, Kind.BELL_KILLED)


def deck(count: int, dice: random.Random) -> list[Kind]:
    """``count`` faults in a random order, every kind at least once, some more often."""
    weighted = [kind for kind in Kind for _ in range(_WEIGHTS.get(kind, 1))]
    dice.shuffle(weighted)
    rest = [weighted[n % len(weighted)] for n in range(max(0, count - len(Kind)))]
    chosen = [*Kind, *rest]
    dice.shuffle(chosen)
    return chosen


class Faults:
    """Strikes. ``counts``: what has struck, by kind."""

    def __init__(self, house: House, sink: Sink, dice: random.Random) -> None:
        self.counts: Counter[Kind] = Counter()
        self.missed = 0  # faults that found nothing to break
        self.left_behind = 0  # processes of a killed collection that lived on
        self._permits = 0
        self._house, self._sink, self._dice = house, sink, dice
        self._acts: dict[Kind, Callable[[], Awaitable[bool]]] = {
            Kind.WORKER_KILLED: self._kill_worker,
            Kind.WORKER_STOPPED: self._stop_worker,
            Kind.WORKER_PAUSED: self._pause_worker,
            Kind.INTAKE_KILLED: self._kill_intake,
            Kind.BELL_FLUSHED: self._flush_bell,
            Kind.BELL_KILLED: self._kill_bell,
            Kind.STREAM_FLUSHED: self._flush_stream,
            Kind.STREAM_KILLED: self._kill_stream,
            Kind.POSTGRES_STOPPED: self._stop_postgres,
            Kind.POSTGRES_KILLED: self._kill_postgres,
            Kind.RELAY_DOWN: self._relay_down,
            Kind.STORM_421: self._storm,
            Kind.SLOW_250: self._slow,
            Kind.FILES_USED_UP: self._use_up_files,
            Kind.DISK_FULL: self._fill_disk,
            Kind.COLLECT_KILLED: self._kill_collect,
        }

    @property
    def total(self) -> int:
        """How many faults have struck."""
        return self.counts.total()

    @property
    def permits(self) -> int:
        """How many permits were outstanding at faults that can lose a reply.

        A single transaction that is cut once its body was asked for counts as one.
        """
        cuts = self._sink.cuts
        return self._permits + sum(n for cut, n in cuts.items() if cut is not Cut.BEFORE_DATA)

    async def strike(self, kind: Kind) -> None:
        """Let something break, and wait until the engines are there again."""
        if kind in _CUTS:
            manners = [Manner(cut=_CUTS[kind])] * self._dice.randint(1, _MOST_CUTS)
            self._sink.plan(manners)
            struck = True
        else:
            struck = await self._acts[kind]()
        if struck:
            self.counts[kind] += 1
        else:
            self.missed += 1

    async def _worker(self) -> int | None:
        """A worker that is at work, once there is one."""
        end = monotonic() + _PATIENCE
        while monotonic() < end:
            names = self._dice.sample(WORKERS, len(WORKERS))
            for pid in filter(None, map(self._house.pid, names)):
                if await self._house.at_work(pid):
                    return pid
            await asyncio.sleep(0.1)
        return None

    async def _kill_worker(self) -> bool:
        pid = await self._worker()
        if pid is None:
            return False
        with frozen([pid]):
            await settled()
            before = await self._house.permits([pid])
            send(pid, signal.SIGKILL)
        self._permits += before
        return True

    async def _stop_worker(self) -> bool:
        pid = await self._worker()
        return pid is not None and send(pid, signal.SIGTERM) and await _gone(pid)

    async def _pause_worker(self) -> bool:
        pid = await self._worker()
        if pid is None:
            return False
        with frozen([pid]):
            await settled()
            self._permits += await self._house.permits([pid])
            await asyncio.sleep(LEASE * self._dice.uniform(1.1, 1.6))
        return True

    async def _kill_intake(self) -> bool:
        pid = await self._intake()
        return pid is not None and send(pid, signal.SIGKILL)

    async def _intake(self) -> int | None:
        """The intake, once it listens."""
        with contextlib.suppress(TimeoutError):
            await listening(self._house.api_port, seconds=_PATIENCE)
        return self._house.pid("serve")

    async def _flush_bell(self) -> bool:
        await flush(self._house.engines.urls.redis)
        return True

    async def _kill_bell(self) -> bool:
        return await self._kill_valkey(self._house.places.bell.data)

    async def _flush_stream(self) -> bool:
        await flush(self._house.stream_url)
        return True

    async def _kill_stream(self) -> bool:
        return await self._kill_valkey(self._house.places.stream.data)

    async def _kill_valkey(self, data: Path) -> bool:
        await _killed(int((data / "valkey.pid").read_text()), signal.SIGKILL)
        await self._absence(1.0)
        return True

    async def _stop_postgres(self) -> bool:
        return await self._break_postgres(signal.SIGQUIT)

    async def _kill_postgres(self) -> bool:
        return await self._break_postgres(signal.SIGKILL)

    async def _break_postgres(self, sign: signal.Signals) -> bool:
        file = self._house.places.postgres.data / "postmaster.pid"
        self._permits += await self._house.permits(self._house.worker_pids())
        await _killed(int(file.read_text().split("\n", 1)[0]), sign)
        if self._dice.random() < 0.5:
            await self._meanwhile(self._dice.choice(_MEANWHILE))
        await self._absence(2.0)
        return True

    async def _meanwhile(self, kind: Kind) -> None:
        """A second fault while PostgreSQL is away: its permits have been counted."""
        if kind is Kind.WORKER_KILLED:
            pid = self._house.pid(self._dice.choice(WORKERS))
            struck = pid is not None and send(pid, signal.SIGKILL)
        else:
            struck = await self._acts[kind]()
        self.counts[kind] += struck

    async def _absence(self, most: float) -> None:
        """Leave what was broken away for a while, then start it again."""
        await asyncio.sleep(self._dice.uniform(0.0, most))
        await asyncio.to_thread(self._house.engines.ensure)

    async def _relay_down(self) -> bool:
        pids = self._house.worker_pids()
        with frozen(pids):
            await settled()
            self._permits += await self._house.permits(pids)
            await self._sink.close()
        await asyncio.sleep(self._dice.uniform(0.1, 1.5))
        await self._sink.open()
        return True

    async def _storm(self) -> bool:
        self._sink.storm = self._dice.choice([*Stage])
        await asyncio.sleep(self._dice.uniform(0.2, 2.0))
        self._sink.storm = None
        return True

    async def _slow(self) -> bool:
        count, longest = self._dice.randint(5, 40), LEASE * 1.3
        self._sink.plan(
            Manner(delay=self._dice.uniform(0.1, longest), late=self._dice.random() < 0.5)
            for _ in range(count)
        )
        return True

    async def _use_up_files(self) -> bool:
        """Of a worker or the intake: what it has open stays, and nothing comes to it."""
        worker = self._dice.random() < 0.5
        pid = await (self._worker() if worker else self._intake())
        if pid is None:
            return False
        with frozen([pid]):
            await settled()
            self._permits += await self._house.permits([pid])
            with _limited(pid, psutil.RLIMIT_NOFILE, 0):
                send(pid, signal.SIGCONT)
                if self._dice.random() < 0.3:
                    await self._stop_postgres()  # it must be found again afterwards
                await asyncio.sleep(self._dice.uniform(0.5, 3.0))
        return True

    async def _fill_disk(self) -> bool:
        """Of the engines, where they have one of their own; else what a worker may write."""
        if self._house.disk is None or self._dice.random() < 0.3:
            return await self._stop_writing()
        self._permits += await self._house.permits(self._house.worker_pids())
        await asyncio.to_thread(self._house.disk.fill)
        try:
            with contextlib.suppress(Exception):  # the next piece of its log finds no room
                await self._house.rows("SELECT pg_switch_wal()")
            await asyncio.sleep(self._dice.uniform(0.5, 3.0))
        finally:
            self._house.disk.free()
        await self._absence(1.0)
        return True

    async def _stop_writing(self) -> bool:
        """No file of a worker grows: its journal, for one, and its own log."""
        pid = await self._worker()
        if pid is None:
            return False
        with frozen([pid]):
            await settled()
            self._permits += await self._house.permits([pid])
            with _limited(pid, psutil.RLIMIT_FSIZE, 0):
                send(pid, signal.SIGCONT)
                await asyncio.sleep(self._dice.uniform(0.5, 3.0))
        return True

    async def _kill_collect(self) -> bool:
        process = await self._house.collecting()
        folder = self._house.var / "batches"
        end = monotonic() + self._dice.uniform(1.0, 10.0)
        while monotonic() < end and process.returncode is None:
            if any(folder.glob(".B*")) and self._dice.random() < 0.05:
                break
            await asyncio.sleep(0.02)
        children = _children(process.pid)
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, children, timeout=_PARTING)
        for one in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.left_behind += len(alive)
        return True


@contextlib.contextmanager
def _limited(pid: int, limit: int, most: int) -> Iterator[None]:
    """A process that may have so much of something within."""
    try:
        process = psutil.Process(pid)
        before = process.rlimit(limit)
        process.rlimit(limit, (most, before[1]))
    except psutil.NoSuchProcess:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.rlimit(limit, before)


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


async def _killed(pid: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)
    if not await _gone(pid):
        raise RuntimeError(f"process {pid} does not end by {sign.name}")


async def _gone(pid: int) -> bool:
    """Whether a process has ended within patience."""
    end = monotonic() + _PATIENCE
    while monotonic() < end:
        if not _alive(pid):
            return True
        await asyncio.sleep(0.02)
    return False


def _alive(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent to look does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
