"""A worker session: its entry in the record, its journal, its heartbeat, and what it holds."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.model.actor import Actor, system
from notifier.store import claims, workers
from notifier.store.failures import passes, patiently

from .journal import Journal

log = get_logger(__name__)

ACTOR: Final[Actor] = system("worker")
_BEATS: Final = 3  # heartbeats in the time of a lease
_MARGIN: Final = 0.9  # the part of a lease in which DATA may still begin


#: Goes on while a machine is suspended, as a lease does in the database.
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _running() -> float:
    return time.clock_gettime(_CLOCK)


def _nobody(_: int) -> None:
    pass


class WorkerSession:
    """One worker of one process. Made with :meth:`start`; ended with :meth:`stop`."""

    def __init__(
        self, engine: AsyncEngine, journal: Journal, worker_id: UUID, lease: timedelta
    ) -> None:
        self.worker_id = worker_id
        self.journal = journal
        self.lease = lease
        self.lost = asyncio.Event()  # the record has buried this worker: it must begin anew
        self.on_beat: Callable[[int], None] = _nobody  # is told how many workers there are
        self._engine = engine
        self._held: set[int] = set()
        self._owing = False  # the journal knows more than the record
        self._until = _running() + lease.total_seconds() * _MARGIN
        self._beat: asyncio.Task[None] | None = None

    @classmethod
    async def start(
        cls,
        engine: AsyncEngine,
        folder: Path,
        *,
        lease: timedelta,
        until: Callable[[], bool],
    ) -> "WorkerSession":
        """Begin: journal first, then the entry in the record, then the heartbeat.

        Waits for the database ``until`` that is no longer wanted; then raises what it raised.
        """
        worker_id = uuid4()
        journal = Journal.create(folder, worker_id)

        async def register() -> None:
            async with engine.begin() as conn:
                host, pid, name = socket.gethostname(), os.getpid(), journal.path.name
                await workers.register(conn, worker_id, host=host, pid=pid, journal=name)

        try:
            await patiently(register, what="register", until=until)
        except BaseException:
            journal.close(remove=True)
            raise
        worker = cls(engine, journal, worker_id, lease)
        worker._beat = asyncio.create_task(worker._beat_forever())
        return worker

    @property
    def held(self) -> list[int]:
        """The messages that are this worker's, as far as it knows."""
        return [*self._held]

    def hold(self, ids: Iterable[int]) -> None:
        """These are this worker's from now on; their leases are renewed."""
        self._held.update(ids)

    def let_go(self, ids: Iterable[int]) -> None:
        """These are no longer this worker's."""
        self._held.difference_update(ids)
        if not self._held and not self._owing:
            self.journal.rest()

    def give_up(self, ids: Iterable[int]) -> None:
        """The record would not take what became of these: their leases run out.

        The journal is kept, so that whoever settles it can bring the record up to date.
        """
        self._owing = True
        self._held.difference_update(ids)

    def may_begin(self) -> bool:
        """Whether DATA may begin: only while the lease is known to stand."""
        return _running() < self._until and not self.lost.is_set()

    async def _beat_forever(self) -> None:
        while not self.lost.is_set():
            await asyncio.sleep(self.lease.total_seconds() / _BEATS)
            try:
                async with asyncio.timeout(self.lease.total_seconds() / _BEATS):
                    await self.beat()
            except Exception as error:
                # Whatever it is: without renewal no DATA begins, and a later beat may succeed.
                log.warning("heartbeat failed", exc_info=not passes(error))

    async def beat(self) -> None:
        """One heartbeat."""
        asked = _running()
        async with self._engine.begin() as conn:
            workers = await claims.renew(conn, self.worker_id, self.held, lease=self.lease)
        if workers:
            self.on_beat(workers)
            self._until = asked + self.lease.total_seconds() * _MARGIN
        else:
            log.error("worker was declared dead", worker=str(self.worker_id))
            self.lost.set()

    async def stop(self) -> None:
        """End. The journal stays if something is outstanding, for whoever settles it."""
        if self._beat:
            self._beat.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._beat
        clean = not (self._held or self._owing or self.lost.is_set())
        try:
            async with self._engine.begin() as conn:
                await workers.stop(conn, self.worker_id)
        except Exception as error:
            if not passes(error):
                raise
            log.warning("could not sign off", error=type(error).__name__)
        self.journal.close(remove=clean)
