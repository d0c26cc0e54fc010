"""The gate of a relay: whether a transmission may begin now, and what its end says.

One for each relay endpoint and process, shared by the lanes. It joins the circuit breaker, the
shaping of destinations and the pace of mass mailings. All times are monotonic seconds.
"""

import random
from collections.abc import Callable, Iterable
from typing import Final

from notifier.model.notice import Lane
from notifier.model.relay import Relay, RelayKind

from .breaker import Breaker
from .destinations import Destination, Destinations, Limits, as_destination
from .hints import NO_HINT, Hint, HintKind, hint_of
from .pace import Pace
from .reply import Reply
from .shaping import Shaper

_UNLIMITED: Final = 600_000.0  # messages a minute: more than any process sends


class Gate:
    """What is known of a relay."""

    def __init__(self, relay: Relay, destinations: Destinations, *, bulk: int) -> None:
        """``bulk``: connections of the bulk lane of this process."""
        self.relay = relay
        self.breaker = Breaker(relay.label, dice=random.random, kind=relay.kind)
        self.pace = Pace(max(1, bulk))
        self.shaper = Shaper()
        self.lines = 0  # that stand open, of all lanes
        self.lenders: list[Callable[[Relay, Lane], None]] = []  # told who is short of a line
        self._destinations = destinations
        self._whole = as_destination(relay) or _unlimited(relay)
        self._limited = relay.rate_per_minute is not None
        self._pushed_back = False  # a smarthost that asked for less

    def wanted_by(self, lane: Lane) -> None:
        """A lane has no line, and the relay grants none: lanes that can wait give one up."""
        for lend in self.lenders:
            lend(self.relay, lane)

    def begin(self, recipient: str, now: float) -> float:
        """0: a transmission to this address has begun; else seconds until it may."""
        governing = self._governing(recipient)
        wait = max((self.shaper.may_begin(d, now) for d in governing), default=0.0)
        if not wait:
            for destination in governing:
                self.shaper.begun(destination, now)
        return wait

    def undo(self, recipient: str, now: float) -> None:
        """What was begun will not be transmitted."""
        for destination in self._governing(recipient):
            self.shaper.undone(destination, now)

    def schedule(self, recipient: str, now: float, *, ahead: int) -> float:
        """Reserve the next free slot for an address: in how many seconds.

        ``ahead``: messages that the lane keeps in hand for the same destination.
        """
        governing = self._governing(recipient)
        return max((self.shaper.schedule(d, now, ahead=ahead) for d in governing), default=0.0)

    def destination(self, recipient: str) -> Destination:
        """What a mail to an address waits for, and what limits the mails over one connection."""
        return (self._governing(recipient) or (self._whole,))[-1]

    def ended(self, recipient: str, reply: Reply, seconds: float, now: float) -> Hint:
        """A transmission has ended with this reply, ``seconds`` after it began; its hint."""
        if not reply.stopped_by_us:
            self.breaker.noted(now, reply)
            self.pace.answered(seconds, reply.outcome, now)
        hint = hint_of(reply)
        direct = self.relay.kind is RelayKind.DIRECT
        self._pushed_back = self._pushed_back or (_slows(hint) and not direct)
        for destination in self._governing(recipient):
            whole = destination.name == self._whole.name
            about = hint if whole is not direct and (direct or _slows(hint)) else NO_HINT
            self.shaper.ended(destination, reply.outcome, about, now)
        if self._pushed_back and not any(self.shaper.slowed(now)):
            self._pushed_back = False
            if not self._limited:  # what is in flight now will not be taken off its count
                self.shaper.forget(self._whole)
        return hint

    def _governing(self, recipient: str) -> tuple[Destination, ...]:
        """What limits a transmission.

        Behind a smarthost the destination is the smarthost's business: what it answers says
        nothing about it.
        """
        whole = (self._whole,) if self._limited or self._pushed_back else ()
        if self.relay.kind is RelayKind.DIRECT:
            return (*whole, self._destinations.of(recipient))
        return whole


def _slows(hint: Hint) -> bool:
    """Whether a smarthost asks for less; one that closes down is the breaker's business."""
    return hint.kind is HintKind.THROTTLED


def _unlimited(relay: Relay) -> Destination:
    return Destination(
        relay.label,
        Limits(
            connections=relay.connections,
            rate_per_minute=_UNLIMITED,
            most_messages=relay.most_messages,
            burst=relay.connections,
        ),
    )


class Gates:
    """The gates of a process, by relay."""

    def __init__(self, relays: Iterable[Relay], destinations: Destinations, *, bulk: int) -> None:
        self._gates = {r.label: Gate(r, destinations, bulk=bulk) for r in relays}

    def of(self, relay: Relay) -> Gate:
        """The gate of a relay."""
        return self._gates[relay.label]

    def share_among(self, workers: int) -> None:
        """So many workers share all limits."""
        for gate in self._gates.values():
            gate.shaper.share_among(workers)
