"""The circuit breaker of a relay endpoint: one that fails again and again is left alone.

While it is open nothing is handed over, so that no message pays with an attempt for what is the
relay's trouble. After a rest one transmission tries whether the relay is back. All times are
monotonic seconds, given by the caller.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final

from notifier.model.relay import RelayKind

from .replies import Outcome, Reply

_UNAVAILABLE: Final = 421  # RFC 5321: not available, closing the connection
_NOT_ACCEPTING: Final = "4.3.2"  # RFC 3463: the system accepts no messages at present
_BEFORE_RCPT: Final = frozenset({"CONNECT", "MAIL"})


class BreakerState(StrEnum):
    """Whether the relay may be used."""

    CLOSED = "closed"  # as usual
    OPEN = "open"  # it rests
    HALF_OPEN = "half_open"  # one transmission tries it


def blames_relay(reply: Reply, kind: RelayKind) -> bool:
    """Whether a reply speaks against the relay itself, and not about one message.

    No connection, a break at any point, a login that is refused, a temporary refusal before any
    recipient was named; of a smarthost also that it is not available. A direct relay that says so
    after RCPT passes on the words of the destination.
    """
    if reply.outcome in (Outcome.BEFORE_DATA, Outcome.UNCERTAIN):
        return True
    if reply.outcome is not Outcome.TEMPORARY:
        return False
    unavailable = reply.code == _UNAVAILABLE or reply.enhanced == _NOT_ACCEPTING
    return reply.command in _BEFORE_RCPT or (unavailable and kind is RelayKind.SMARTHOST)


class Breaker:
    """Closed → open after ``most_failures`` in a row → half open after a rest → closed.

    The rest begins with ``rest`` seconds and doubles with each try that fails, up to ``longest``;
    each is half as long up to half longer by the throw of ``dice`` (0 to 1), so that workers do
    not all try at once.
    """

    def __init__(
        self,
        label: str,
        *,
        dice: Callable[[], float],
        kind: RelayKind = RelayKind.SMARTHOST,
        most_failures: int = 5,
        rest: float = 5.0,
        longest: float = 300.0,
        now: float = 0.0,
    ) -> None:
        if most_failures < 1 or not 0 < rest <= longest:
            raise ValueError("a breaker needs at least one failure and a rest")
        self.label = label  # of the relay
        self.state = BreakerState.CLOSED
        self.since = now  # when this state began
        self.failures = 0  # in a row
        self.last: Reply | None = None  # that spoke against the relay
        self._kind, self._dice = kind, dice
        self._most, self._rest, self._longest = most_failures, rest, longest
        self._tries = 0  # rests since it was last closed
        self._until = now  # end of the rest; half open: until when the try is waited for

    def allows(self, now: float) -> bool:
        """Whether a transmission (or a connection) may begin. Asking changes nothing."""
        return self.wait(now) <= 0

    def wait(self, now: float) -> float:
        """0 if it allows now, else the seconds after which to ask again."""
        return 0.0 if self.state is BreakerState.CLOSED else max(0.0, self._until - now)

    def begun(self, now: float) -> None:
        """A transmission that was allowed begins; after a rest it is the one that tries.

        A try whose end is never told is given up after the longest rest.
        """
        if self.state is not BreakerState.CLOSED and self.allows(now):
            self._become(BreakerState.HALF_OPEN, now)
            self._until = now + self._longest

    def noted(self, now: float, reply: Reply) -> None:
        """A transmission or a connection has ended with this reply.

        Not for one that we stopped ourselves: that says nothing about the relay.
        """
        if blames_relay(reply, self._kind):
            self.failed(now, reply)
        else:
            self.succeeded(now)

    def reachable(self, now: float) -> None:
        """A try without a message got through: closed again, until the very next failure.

        The rests go on to double from where they were, until a transmission succeeds.
        """
        if self.state is BreakerState.HALF_OPEN:
            self.failures = self._most - 1
            self._become(BreakerState.CLOSED, now)

    def succeeded(self, now: float) -> None:
        """The relay did its part, whatever it thought of the message."""
        if self.state is BreakerState.OPEN and not self.allows(now):
            return  # began before; the rest stands
        self.failures = self._tries = 0
        self._become(BreakerState.CLOSED, now)

    def failed(self, now: float, reply: Reply) -> None:
        """The relay failed."""
        if self.state is BreakerState.OPEN:
            return
        self.last = reply
        self.failures += 1
        if self.state is BreakerState.HALF_OPEN or self.failures >= self._most:
            self._open(now)

    def _open(self, now: float) -> None:
        rest = min(self._rest * 2.0 ** min(self._tries, 30), self._longest)
        self._tries += 1
        self._until = now + rest * (0.5 + self._dice())
        self._become(BreakerState.OPEN, now)

    def _become(self, state: BreakerState, now: float) -> None:
        if state is not self.state:
            self.state, self.since = state, now
