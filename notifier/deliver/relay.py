"""The relays as a lane sees them: a few kept lines, opened when they are needed."""

import asyncio
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Final

import structlog

from notifier.model.relay import Relay

from .breaker import Breaker
from .gate import Gates
from .line import Line, RelayDown
from .reply import Outcome, Reply

log = structlog.get_logger(__name__)

MOST_IDLE: Final = 60.0  # seconds; relays close after one to five minutes
_SOON: Final = 0.5  # seconds between two tries of a relay that may be used but cannot be reached


class Pool:
    """Up to ``size`` lines to the first relay that is there. One taker at a time."""

    def __init__(
        self, relays: Sequence[Relay], gates: Gates, *, size: int, helo: str | None = None
    ) -> None:
        """``relays`` in the order in which they are tried; ``gates`` know which of them rest."""
        if not relays or size < 1:
            raise ValueError("a pool needs a relay and at least one line")
        self.size = size
        self._relays = tuple(relays)
        self._gates = gates
        self._helo = helo or socket.gethostname()
        self._free = size
        self._kept: list[Line] = []  # open and idle; the last used is the first taken
        self._freed = asyncio.Event()
        self._partings: set[asyncio.Task[None]] = set()

    @property
    def free(self) -> int:
        """How many transmissions could begin now."""
        return self._free

    @property
    def paced(self) -> int:
        """How many transmissions of a mass mailing the relay keeps up with."""
        now = monotonic()
        up = [relay for relay in self._relays if self._breaker(relay).allows(now)]
        return self._gates.of((up or self._relays)[0]).pace.window

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
        failure: RelayDown | None = None
        for relay in self._relays:
            breaker = self._breaker(relay)
            if not breaker.allows(monotonic()):
                continue
            breaker.begun(monotonic())
            line = Line(relay, helo=self._helo)
            try:
                await line.open()
            except RelayDown as down:
                breaker.noted(monotonic(), down.reply)
                failure = failure or down
            else:
                breaker.reachable(monotonic())
                return line
        raise failure or RelayDown(self._resting())

    async def probe(self) -> float:
        """Try the relays that have rested: 0 once one would take a mail, else seconds to wait."""
        for relay in self._relays:
            breaker = self._breaker(relay)
            if not breaker.allows(monotonic()):
                continue
            breaker.begun(monotonic())
            line = Line(relay, helo=self._helo)
            refused = await line.probe()
            await line.part()
            if refused is None:
                breaker.reachable(monotonic())
                return 0.0
            breaker.noted(monotonic(), refused)
        now = monotonic()
        return max(_SOON, min(self._breaker(relay).wait(now) for relay in self._relays))

    def give(self, line: Line) -> None:
        """Take a line back after its transaction."""
        self._free += 1
        self._freed.set()
        if line.is_open and not line.is_spent:
            self._kept.append(line)
        else:
            self._part(line)

    def prune(self) -> None:
        """Close what was idle for too long or leads to a relay that rests."""
        now = monotonic()
        resting = {r.label for r in self._relays if not self._breaker(r).allows(now)}
        stale = [
            line
            for line in self._kept
            if not line.is_open or line.used_at < now - MOST_IDLE or line.relay.label in resting
        ]
        for line in stale:
            self._kept.remove(line)
            self._part(line)

    def _breaker(self, relay: Relay) -> Breaker:
        return self._gates.of(relay).breaker

    def _resting(self) -> Reply:
        """What the relays said before they were given a rest."""
        last = [self._breaker(relay).last for relay in self._relays]
        said = next((reply for reply in last if reply is not None), None)
        return said or Reply(outcome=Outcome.BEFORE_DATA, command="CONNECT", text="resting")

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
