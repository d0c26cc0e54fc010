"""The relays as a lane sees them: a few kept connections, opened when they are needed."""

import asyncio
import socket
from collections.abc import Sequence
from time import monotonic
from typing import Final

from notifier.model.notice import Lane
from notifier.model.relay import Relay

from .breaker import Breaker, BreakerState
from .connection import RelayDown, SmtpConnection
from .gate import Gates
from .replies import Outcome, Reply

MOST_IDLE: Final = 60.0  # seconds; relays close after one to five minutes
_SOON: Final = 0.5  # seconds between two tries of a relay that may be used but cannot be reached
_FULL: Final = 10.0  # seconds after which a relay that took no further connection is asked again
_SHORT: Final = (
    0.2  # the same for a lane that has no connection, and waits for one of another lane's
)


class ConnectionPool:
    """Up to ``size`` connections to the first relay that is there. One taker at a time."""

    def __init__(
        self,
        relays: Sequence[Relay],
        gates: Gates,
        *,
        size: int,
        lane: Lane = Lane.STANDARD,
        helo: str | None = None,
    ) -> None:
        """``relays`` in the order in which they are tried; ``gates`` know which of them rest."""
        if not relays or size < 1:
            raise ValueError("a pool needs a relay and at least one connection")
        self.size = size
        self._relays = tuple(relays)
        self._gates = gates
        self._lane = lane
        self._helo = helo or socket.gethostname()
        self._free = size
        self._kept: list[SmtpConnection] = []  # open and idle; the last used is the first taken
        self._freed = asyncio.Event()
        self._full: dict[
            str, float
        ] = {}  # label → until when it is not asked for another connection
        self._opening = 0  # connections that are being opened
        self._owed: set[str] = (
            set()
        )  # labels of relays at which a more urgent lane needs a connection
        for relay in self._relays:
            gates.of(relay).lenders.append(self._lend)
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

    async def take(self, want: int) -> list[SmtpConnection]:
        """Up to ``want`` open connections; waits while all are busy. Raises :class:`RelayDown`.

        None while the relay grants no connection beside those that are busy.
        """
        while self._free == 0:
            self._freed.clear()
            await self._freed.wait()
        self.prune()
        count = min(want, self._free)
        connections = [self._kept.pop() for _ in range(min(count, len(self._kept)))]
        self._free -= len(connections)
        missing = count - len(connections)
        if missing and not (connections and all(map(self._is_full, self._relays))):
            connections += await self._open_some(missing, needed=not connections)
        return connections

    async def _open_some(self, count: int, *, needed: bool) -> list[SmtpConnection]:
        """Open connections at once.

        Raise RelayDown only if one is needed, none could be opened, and none is busy.

        The first one goes alone: one that fails says as much of the relay as a dozen would.
        A relay that is full is not away: a lane that has no connection waits for one.
        """
        alone = not any(self._gates.of(relay).connections for relay in self._relays)
        self._free -= count
        self._opening = count
        made = await self._try(1 if alone else count)
        if alone and isinstance(made[0], SmtpConnection):
            made += await self._try(count - 1)
        connections = [m for m in made if isinstance(m, SmtpConnection)]
        self._free += count - len(connections)
        self._opening = 0
        self._freed.set()
        errors = [m for m in made if isinstance(m, BaseException)]
        for error in errors:
            if not isinstance(error, RelayDown):
                raise error
        away = not (connections or any(map(self._is_full, self._relays)))
        if errors and needed and away and self._free == self.size:
            raise errors[0]
        return connections

    async def _try(self, count: int) -> list[SmtpConnection | BaseException]:
        return await asyncio.gather(*(self._open() for _ in range(count)), return_exceptions=True)

    async def _open(self) -> SmtpConnection:
        failure: RelayDown | None = None
        for relay in self._relays:
            breaker = self._breaker(relay)
            if not breaker.allows(monotonic()) or self._is_full(relay):
                continue
            breaker.begun(monotonic())
            connection = SmtpConnection(relay, helo=self._helo)
            try:
                await connection.open()
            except RelayDown as down:
                self._refused(relay, down.reply)
                failure = failure or down
            else:
                breaker.reachable(monotonic())
                self._gates.of(relay).connections += 1
                return connection
        raise failure or RelayDown(self._resting())

    def _is_full(self, relay: Relay) -> bool:
        return monotonic() < self._full.get(relay.label, 0.0)

    def _refused(self, relay: Relay, reply: Reply) -> None:
        """No connection. A relay on which other connections stand is not away: it takes no more."""
        gate = self._gates.of(relay)
        if gate.connections and gate.breaker.state is BreakerState.CLOSED:
            short = self._free + self._opening == self.size  # of any connection at all
            self._full[relay.label] = monotonic() + (_SHORT if short else _FULL)
            if short:
                gate.wanted_by(self._lane)
        else:
            gate.breaker.noted(monotonic(), reply)

    def _lend(self, relay: Relay, lane: Lane) -> None:
        """A more urgent lane needs a connection: give one up, now or after its transaction."""
        if lane >= self._lane:
            return
        self._full[relay.label] = monotonic() + _FULL  # it is not taken back at once
        idle = next(
            (connection for connection in self._kept if connection.label == relay.label), None
        )
        if idle is None:
            self._owed.add(relay.label)
        else:
            self._kept.remove(idle)
            self._part(idle)

    async def probe(self) -> float:
        """Try the relays that have rested: 0 once one would take a mail, else seconds to wait."""
        self.prune()
        for relay in self._relays:
            breaker = self._breaker(relay)
            if not breaker.allows(monotonic()):
                continue
            breaker.begun(monotonic())
            connection = SmtpConnection(relay, helo=self._helo)
            refused = await connection.probe()
            await connection.part()
            if refused is None:
                breaker.reachable(monotonic())
                return 0.0
            self._refused(relay, refused)
        now = monotonic()
        return max(_SOON, min(self._breaker(relay).wait(now) for relay in self._relays))

    def give(self, connection: SmtpConnection) -> None:
        """Take a connection back after its transaction."""
        self._free += 1
        self._freed.set()
        if connection.is_open and not connection.is_spent and connection.label not in self._owed:
            self._kept.append(connection)
        else:
            self._owed.discard(connection.label)
            self._part(connection)

    def prune(self) -> None:
        """Close what was idle for too long or leads to a relay that rests."""
        now = monotonic()
        resting = {r.label for r in self._relays if not self._breaker(r).allows(now)}
        stale = [
            connection
            for connection in self._kept
            if not connection.is_open
            or connection.used_at < now - MOST_IDLE
            or connection.label in resting
        ]
        for connection in stale:
            self._kept.remove(connection)
            self._part(connection)

    def _breaker(self, relay: Relay) -> Breaker:
        return self._gates.of(relay).breaker

    def _resting(self) -> Reply:
        """What the relays said before they were given a rest."""
        last = [self._breaker(relay).last for relay in self._relays]
        said = next((reply for reply in last if reply is not None), None)
        return said or Reply(outcome=Outcome.BEFORE_DATA, command="CONNECT", text="resting")

    def _part(self, connection: SmtpConnection) -> None:
        self._gates.of(connection.relay).connections -= 1
        task = asyncio.create_task(connection.part())
        self._partings.add(task)
        task.add_done_callback(self._partings.discard)

    async def close(self) -> None:
        """Part from all idle connections."""
        for relay in self._relays:
            self._gates.of(relay).lenders.remove(self._lend)
        for connection in self._kept:
            self._part(connection)
        self._kept.clear()
        while self._partings:
            await asyncio.gather(*self._partings)
