"""The pace of mass mailings: a relay that falls behind is given less at a time.

The time from the end of a message to its reply is compared with what it was when the relay kept
up. When it rises to several times that, or the relay refuses for the time being, the bulk lane has
fewer transmissions in flight; when it falls again, more, one by one. Urgent mail is never paced.
This is for smarthosts: behind a direct relay the time is the destination's, and shaping sees to it.
All times are monotonic seconds, given by the caller.
"""

from dataclasses import dataclass
from math import inf
from typing import Final

from .reply import Outcome

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
