"""The meter: how fast messages arrive at the sink once everything is under way."""

import asyncio
from asyncio.subprocess import Process
from pathlib import Path
from time import monotonic
from typing import Final

from tests.bench.ground import last_words
from tests.bench.sink import Sink

#: The part of a run that counts: neither the start of processes nor the end of the queue.
WINDOW: Final = (0.1, 0.9)
_APART: Final = 0.02  # seconds between two looks
_STALL: Final = 60.0  # seconds without any message after which a run is given up
_GRACE: Final = 2.0  # seconds that the last messages of a program that ended may take


class Meter:
    """Set it up before a run begins; it counts from there."""

    def __init__(self, sink: Sink, total: int) -> None:
        self._sink, self._total = sink, total
        self._start = sink.count()

    def taken(self) -> int:
        """Messages of this run so far."""
        return self._sink.count() - self._start

    async def rate(self) -> float:
        """Messages a second within the window, when all have arrived. Raises TimeoutError."""
        low, high = (int(self._total * part) for part in WINDOW)
        first, first_at = await self._reached(low)
        last, last_at = await self._reached(high)
        await self._reached(self._total)
        return (last - first) / (last_at - first_at)

    async def rate_of(self, process: Process, log: Path) -> float:
        """As :meth:`rate`, of a program; raises RuntimeError with its last words if it fails."""
        rate = asyncio.create_task(self.rate())
        ended = asyncio.create_task(process.wait())
        try:
            await asyncio.wait([rate, ended], return_when=asyncio.FIRST_COMPLETED)
            if not rate.done() and process.returncode:
                raise RuntimeError(last_words(log))
            if not rate.done():
                async with asyncio.timeout(_GRACE):
                    await rate
            return await rate
        finally:
            rate.cancel()
            ended.cancel()

    async def _reached(self, count: int) -> tuple[int, float]:
        """The first count seen that is no less, and when (monotonic)."""
        seen, since = -1, monotonic()
        while True:
            now, at = self.taken(), monotonic()
            if now >= count:
                return now, at
            if now != seen:
                seen, since = now, at
            elif at - since > _STALL:
                raise TimeoutError(f"nothing for {_STALL:g} s after {now} of {self._total}")
            await asyncio.sleep(_APART)
