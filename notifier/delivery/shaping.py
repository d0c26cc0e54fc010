"""Shaping: how many transmissions a destination is given at once, and how fast they follow.

One shaper per process and relay endpoint, shared by its lanes. Each destination has a bucket of
tokens that fills evenly and never holds more than its burst, so that in any time ``t`` no more
than ``burst + rate × t`` transmissions begin, however the rate changes meanwhile. A destination
that pushes back is left alone for a while, then given half; each success gives a little back.

All times are monotonic seconds, given by the caller. Every call takes constant time; destinations
that were idle for a while are forgotten.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from .destinations import Destination, Limits
from .replies import Hint, HintKind, Outcome

#: Seconds after which to ask again about a destination that has all its transmissions in flight.
BUSY: Final = 0.25
#: The smallest part of its rate that a destination is slowed down to.
SLOWEST: Final = 1 / 64
_CUT: Final = 0.5  # what is left of the rate after each push-back
_GAIN: Final = 0.01  # of the full rate, given back by each success
_PAUSE: Final = 30.0  # seconds after the first push-back; twice as long after the next, and so on
_PUSHES: Final = frozenset({HintKind.THROTTLED, HintKind.CLOSING})
_GRAIN: Final = 1e-6  # of a token: what rounding may take from a whole one
_IDLE: Final = 60.0  # seconds without a call, then a destination at full rate is forgotten
_IDLE_SLOWED: Final = 3600.0  # and one that was slowed down


class _Flow:
    """What goes to one destination."""

    __slots__ = (
        "at", "booked", "factor", "in_flight", "limits", "paused_until", "tokens", "touched",
    )  # fmt: skip

    def __init__(self, limits: Limits, now: float) -> None:
        self.limits = limits
        self.tokens = float(limits.burst)
        self.at = now  # when the tokens were counted; later than now during a pause
        self.factor = 1.0  # of the rate and the connections
        self.in_flight = 0
        self.paused_until = now
        self.booked = now  # the first slot that no message was told to come back at
        self.touched = now


@dataclass(frozen=True, slots=True)
class Slowed:
    """A destination that pushed back, for logs and metrics."""

    name: str
    factor: float  # of its full rate
    paused: float  # seconds until it is tried again
    in_flight: int


class Shaper:
    """When a transmission to a destination may begin."""

    def __init__(self, *, workers: int = 1) -> None:
        self._flows: OrderedDict[str, _Flow] = OrderedDict()
        self._share = 1.0
        self.share_among(workers)

    def share_among(self, workers: int) -> None:
        """So many workers (at least one) use the relay: each takes an even part of every limit."""
        self._share = 1.0 / max(1, workers)

    def may_begin(self, destination: Destination, now: float) -> float:
        """0 if a transmission may begin now, else the seconds after which to ask again."""
        flow = self._flows.get(destination.name)
        if flow is None:
            return 0.0
        if now < flow.paused_until:
            return flow.paused_until - now
        if flow.in_flight >= self._connections(flow):
            return BUSY
        return self._token_in(flow, now, 1)

    def begun(self, destination: Destination, now: float) -> None:
        """A transmission begins: call it as soon as that is decided, before any wait."""
        flow = self._flow(destination, now)
        self._fill(flow, now)
        flow.tokens -= 1
        flow.in_flight += 1

    def undone(self, destination: Destination, now: float) -> None:
        """What was begun will not be transmitted after all: its slot is free again."""
        flow = self._flow(destination, now)
        self._fill(flow, now)
        flow.tokens = min(flow.tokens + 1, self._burst(flow))
        flow.in_flight = max(flow.in_flight - 1, 0)

    def ended(self, destination: Destination, outcome: Outcome, hint: Hint, now: float) -> None:
        """A transmission has ended: what its reply says about the destination."""
        flow = self._flow(destination, now)
        self._fill(flow, now)
        flow.in_flight = max(flow.in_flight - 1, 0)
        if outcome is Outcome.ACCEPTED:
            flow.factor = min(flow.factor + _GAIN, 1.0)
        elif hint.kind in _PUSHES:
            self._slow_down(flow, hint, now)

    def schedule(self, destination: Destination, now: float, *, ahead: int = 0) -> float:
        """Reserve the next free slot: in how many seconds a message may come back for it.

        ``ahead``: how many messages the caller keeps in hand for this destination; their slots
        come first. Slots do not bind anybody else: an urgent message that asks
        :meth:`may_begin` goes first, and the one that it displaces asks again.
        """
        flow = self._flow(destination, now)
        self._fill(flow, now)
        slot = max(now + self._token_in(flow, now, ahead + 1), flow.booked)
        flow.booked = slot + 1 / self._rate(flow)
        return slot - now

    def slowed(self, now: float) -> Iterator[Slowed]:
        """The destinations that pushed back and have not recovered."""
        for name, flow in self._flows.items():
            paused = max(0.0, flow.paused_until - now)
            if flow.factor < 1 or paused:
                yield Slowed(name, flow.factor, paused, flow.in_flight)

    def forget(self, destination: Destination) -> None:
        """Nothing limits it any more; what is in flight to it no longer counts."""
        self._flows.pop(destination.name, None)

    def __len__(self) -> int:
        """How many destinations it remembers."""
        return len(self._flows)

    def _flow(self, destination: Destination, now: float) -> _Flow:
        flow = self._flows.get(destination.name)
        if flow is None:
            self._forget(now)
            flow = self._flows[destination.name] = _Flow(destination.limits, now)
        else:
            self._flows.move_to_end(destination.name)
        flow.touched = now
        return flow

    def _forget(self, now: float) -> None:
        """Look at the two that were untouched for the longest: never more come than can go."""
        for _ in range(min(2, len(self._flows))):
            name, flow = next(iter(self._flows.items()))
            idle = _IDLE if flow.factor >= 1 else _IDLE_SLOWED
            if now < flow.touched + _IDLE:
                return  # and those behind it were touched later
            if flow.in_flight or now < max(flow.touched + idle, flow.at, flow.booked):
                self._flows.move_to_end(name)
            else:
                del self._flows[name]

    def _slow_down(self, flow: _Flow, hint: Hint, now: float) -> None:
        if now >= flow.paused_until:  # else it is about what began before the pause
            flow.factor = max(flow.factor * _CUT, SLOWEST)
        asked = hint.wait.total_seconds() if hint.wait else 0.0
        pause = max(asked, _PAUSE * _CUT / flow.factor)
        flow.paused_until = max(flow.paused_until, now + pause)
        flow.tokens = min(flow.tokens, 1.0)  # one to try with, when the pause is over
        flow.at = flow.paused_until

    def _rate(self, flow: _Flow) -> float:
        """Messages a second."""
        return flow.limits.rate_per_minute / 60 * flow.factor * self._share

    def _connections(self, flow: _Flow) -> int:
        return max(1, int(flow.limits.connections * flow.factor * self._share))

    def _burst(self, flow: _Flow) -> float:
        return max(1.0, flow.limits.burst * self._share)

    def _fill(self, flow: _Flow, now: float) -> None:
        flow.tokens = self._tokens(flow, now)
        flow.at = max(flow.at, now)

    def _tokens(self, flow: _Flow, now: float) -> float:
        gained = max(0.0, now - flow.at) * self._rate(flow)
        return min(flow.tokens + gained, self._burst(flow))

    def _token_in(self, flow: _Flow, now: float, number: int) -> float:
        """Seconds until there will have been so many tokens, with those there are."""
        pause = max(0.0, flow.at - now)
        missing = number - self._tokens(flow, now)
        return pause if missing <= _GRAIN else pause + missing / self._rate(flow)
