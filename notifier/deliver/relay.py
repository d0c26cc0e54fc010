"""The relay as a lane sees it: a few kept lines, opened when they are needed."""

import asyncio
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Final

import structlog

from notifier.model.relay import Relay

from .line import Line, RelayDown

log = structlog.get_logger(__name__)

MOST_MESSAGES: Final = 100  # over one connection; many relays end it about there
MOST_IDLE: Final = 60.0  # seconds; relays close after one to five minutes
REST: Final = 30.0  # seconds for which a relay that could not be reached is passed over


class Pool:
    """Up to ``size`` lines to the first relay that answers. One taker at a time."""

    def __init__(self, relays: Sequence[Relay], *, size: int, helo: str | None = None) -> None:
        if not relays or size < 1:
            raise ValueError("a pool needs a relay and at least one line")
        self.size = size
        self._relays = tuple(relays)
        self._helo = helo or socket.gethostname()
        self._free = size
        self._kept: list[Line] = []  # open and idle; the last used is the first taken
        self._freed = asyncio.Event()
        self._down: dict[str, float] = {}  # label → until when to pass it over (monotonic)
        self._partings: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """How many transmissions could begin now."""
        return self._free

    async def take(self, want: int) -> list[Line]:
        """One to ``want`` open lines; waits while all are busy. Raises :class:`RelayDown`."""
        while self._free == 0:
            self._freed.clear()
            await self._freed.wait()
        self.prune()
        count = min(want, self._free)
        lines = [self._kept.pop() for _ in range(min(count, len(self._kept)))]
        self._free -= len(lines)
        missing = count - len(lines)
        if missing:
            lines += await self._open_some(missing, needed=not lines)
        return lines

    async def _open_some(self, count: int, *, needed: bool) -> list[Line]:
        """Open lines at once; RelayDown only if one is needed and none could be opened."""
        self._free -= count
        made = await asyncio.gather(*(self._open() for _ in range(count)), return_exceptions=True)
        lines = [m for m in made if isinstance(m, Line)]
        self._free += count - len(lines)
        self._freed.set()
        errors = [m for m in made if isinstance(m, BaseException)]
        for error in errors:
            if not isinstance(error, RelayDown):
                raise error
        if errors and needed and not lines:
            raise errors[0]
        return lines

    async def _open(self) -> Line:
        up = [r for r in self._relays if self._down.get(r.label, 0.0) <= monotonic()]
        failure: RelayDown | None = None
        for relay in up or self._relays:
            line = Line(relay, helo=self._helo)
            try:
                await line.open()
            except RelayDown as down:
                self._down[relay.label] = monotonic() + REST
                failure = failure or down
            else:
                self._down.pop(relay.label, None)
                return line
        if failure is None:
            raise ValueError("a pool needs a relay")
        raise failure

    async def probe(self) -> None:
        """Make sure that a relay answers. Raises :class:`RelayDown`."""
        for line in await self.take(1):
            self.give(line)

    def give(self, line: Line) -> None:
        """Take a line back after its transaction."""
        self._free += 1
        self._freed.set()
        if line.is_open and line.sent < MOST_MESSAGES:
            self._kept.append(line)
        else:
            self._part(line)

    def prune(self) -> None:
        """Close what was idle for too long, and forget what the relay has closed."""
        before = monotonic() - MOST_IDLE
        stale = [line for line in self._kept if not line.is_open or line.used_at < before]
        for line in stale:
            self._kept.remove(line)
            self._part(line)

    def _part(self, line: Line) -> None:
        task = asyncio.create_task(line.part())
        self._partings.add(task)
        task.add_done_callback(self._partings.discard)

    async def close(self) -> None:
        """Part from all idle lines."""
        for line in self._kept:
            self._part(line)
        self._kept.clear()
        while self._partings:
            await asyncio.gather(*self._partings)
