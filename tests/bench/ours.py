"""Ours: a queued mailing, delivered by one or several ``notifier work`` processes."""

import asyncio
from itertools import count
from typing import Final

from notifier.demo.crew import Crew
from notifier.store.db import scalar
from tests.bench import mailing
from tests.bench.ground import SESSIONS
from tests.bench.house import House
from tests.bench.meter import Meter
from tests.bench.sink import Sink

_APART: Final = 0.2  # seconds between two looks at the record
_PATIENCE: Final = 30.0  # seconds that the record may take after the sink's last 250


class Ours:
    """The whole way: claimed from PostgreSQL, written, archived, permitted, sent, recorded."""

    def __init__(self, house: House, sink: Sink, *, workers: int, mails: int) -> None:
        self._house, self._sink = house, sink
        self._workers, self._mails = workers, mails

    @property
    def label(self) -> str:
        processes = "process" if self._workers == 1 else "processes"
        return f"{self._workers} notifier work {processes}"

    async def run(self) -> float:
        """Queue a mailing, deliver it. Raises unless the record says that every mail was sent."""
        engine = self._house.parts.engine
        before = (await mailing.states(engine)).get("sent", 0)
        await mailing.queue(engine, next(_NUMBERS), self._mails)
        await mailing.tidy(engine)
        meter = Meter(self._sink, self._mails)
        async with self._house.crew_at(self._sink.port, connections=SESSIONS) as crew:
            self._start(crew)
            rate = await meter.rate()
            await self._recorded(before + self._mails)
        return rate

    def _start(self, crew: Crew) -> None:
        for n in range(self._workers):
            crew.keep(f"worker-{n + 1}", "notifier.cli", "work", "bulk")

    async def _recorded(self, wanted: int) -> None:
        """Wait until so many are ``sent`` on record."""
        engine = self._house.parts.engine
        try:
            async with asyncio.timeout(_PATIENCE):
                while (await mailing.states(engine)).get("sent", 0) < wanted:  # noqa: ASYNC110
                    await asyncio.sleep(_APART)
        except TimeoutError:
            found = await mailing.states(engine)
            raise RuntimeError(f"{wanted} should be sent, the record says {found}") from None


#: Mailings of this process; each is about another matter.
_NUMBERS: Final = count(1)


async def mean_size(house: House) -> int:
    """Bytes of a mail, on average over all attempts so far."""
    async with house.parts.engine.connect() as conn:
        return int(await scalar(conn, "SELECT round(avg(size)) FROM attempts"))
