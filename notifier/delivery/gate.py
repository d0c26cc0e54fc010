"""The gate of a relay: whether a transmission may begin now, and what its end says.

One for each relay endpoint and process, shared by the lanes. It joins the circuit breaker, the
shaping of destinations and the pace of mass mailings.

The pace: the time from the end of a message to its reply is compared with what it was when the
relay kept up. When it rises to several times that, or the relay refuses for the time being, the
bulk lane has fewer transmissions in flight; when it falls again, more, one by one. Urgent mail is
never paced. This is for smarthosts: behind a direct relay the time is the destination's, and
shaping sees to it. All times are monotonic seconds, given by the caller.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

from notifier.model.notice import Lane
from notifier.model.relay import Relay, RelayKind

from .breaker import Breaker
from .destinations import Destination, Destinations, Limits, as_destination
from .replies import NO_HINT, Hint, HintKind, Outcome, Reply, hint_of
from .shaping import Shaper

_SMOOTH: Final = 1 / 8  # weight of a new time in the average
_SMOOTH_REFUSED: Final = 1 / 32  # weight of a new reply in the part that was refused
_RISE: Final = 1.25  # by how much the baseline may rise from period to period
_PERIOD: Final = 60.0  # seconds after which the baseline is measured anew
_CUT: Final = 0.6  # what is left of the window after each step down


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """When a relay counts as behind."""

    times: float = 4.0  # its own baseline
    least: float = 0.2  # seconds; below this nobody is behind
    most: float = 10.0  # seconds; above this everybody is
    refused: float = 0.1  # the part of replies that are temporary refusals


class Pace:
    """How many transmissions the bulk lane may have in flight: ``window``, 1 to ``most``."""

    def __init__(self, most: int, *, bounds: Bounds | None = None) -> None:
        if most < 1:
            raise ValueError("a window of at least one is needed")
        self.most = most
        self.latency: float | None = None  # seconds to a reply, smoothed
        self.baseline: float | None = None  # seconds to a reply when the relay keeps up
        self.refused = 0.0  # the part of replies that are temporary refusals, smoothed
        self._bounds = bounds or Bounds()
        self._window = float(most)
        self._lowest = inf  # of this period
        self._period_ends = inf
        self._cut_until = -inf  # until when replies are to what was sent before the last cut

    @property
    def window(self) -> int:
        """Bulk transmissions that may be in flight."""
        return int(self._window)

    def answered(self, seconds: float, outcome: Outcome, now: float) -> None:
        """A relay's reply, ``seconds`` after the end of the message (of any lane).

        For a reply before DATA give the seconds since its command. A break tells nothing here.
        """
        if outcome in (Outcome.BEFORE_DATA, Outcome.UNCERTAIN):
            return
        self._measure(max(0.0, seconds), outcome is Outcome.TEMPORARY, now)
        if self.is_behind:
            self._narrow(now)
        else:
            self._window = min(self._window + 1 / self._window, float(self.most))

    @property
    def is_behind(self) -> bool:
        """Whether the relay takes much longer than it used to, or refuses too often."""
        if self.latency is None or self.baseline is None:
            return False
        limit = max(self._bounds.times * self.baseline, self._bounds.least)
        slow = self.latency > min(limit, self._bounds.most)
        return slow or self.refused > self._bounds.refused

    def _measure(self, seconds: float, refused: bool, now: float) -> None:
        if self.latency is None or self.baseline is None:
            self.latency = self.baseline = seconds
            self._period_ends = now + _PERIOD
        self.latency += (seconds - self.latency) * _SMOOTH
        self.refused += (float(refused) - self.refused) * _SMOOTH_REFUSED
        self.baseline = min(self.baseline, seconds)
        self._lowest = min(self._lowest, seconds)
        if now >= self._period_ends:
            # A relay that has become slower for good is believed only step by step.
            self.baseline = min(self._lowest, max(self.baseline, 0.001) * _RISE)
            self._lowest, self._period_ends = inf, now + _PERIOD

    def _narrow(self, now: float) -> None:
        if now < self._cut_until or self.latency is None:
            return
        self._window = max(1.0, self._window * _CUT)
        self._cut_until = now + self.latency


_UNLIMITED: Final = 600_000.0  # messages a minute: more than any process sends


class Gate:
    """What is known of a relay."""

    def __init__(self, relay: Relay, destinations: Destinations, *, bulk: int) -> None:
        """``bulk``: connections of the bulk lane of this process."""
        self.relay = relay
        self.breaker = Breaker(relay.label, dice=random.random, kind=relay.kind)
        self.pace = Pace(max(1, bulk))
        self.shaper = Shaper()
        self.connections = 0  # that stand open, of all lanes
        self.lenders: list[Callable[[Relay, Lane], None]] = []  # told who is short of a connection
        self._destinations = destinations
        self._whole = as_destination(relay) or _unlimited(relay)
        self._limited = relay.rate_per_minute is not None
        self._pushed_back = False  # a smarthost that asked for less

    def wanted_by(self, lane: Lane) -> None:
        """A lane has no connection, and the relay grants none: lanes that can wait give one up."""
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
