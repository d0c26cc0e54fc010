"""Open days: weekends, national holidays and the bank days at the turn of the year are closed.

The association has closed days of its own beside them, some of them of one scheme only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

import jpholiday

from notifier.model.closure import Closure

_SATURDAY = 5


@lru_cache(maxsize=4096)
def is_open(day: date) -> bool:
    """Whether banks work on ``day`` (銀行法施行令: 12/31 to 1/3 are closed)."""
    turn = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return day.weekday() < _SATURDAY and not turn and not jpholiday.is_holiday(day)


@dataclass(frozen=True, slots=True)
class Closures:
    """The association's own closed days, added to those of everybody."""

    own: tuple[Closure, ...] = ()

    def is_open(self, day: date, scheme: str = "") -> bool:
        """Whether the association (or those who look after a scheme) works on ``day``."""
        return is_open(day) and not any(c.holds_on(day, scheme) for c in self.own)

    def of(self, scheme: str = "") -> Callable[[date], bool]:
        """:meth:`is_open` of one scheme, for rules that ask about days only."""
        return partial(self.is_open, scheme=scheme)


#: Nothing but weekends, holidays and bank days.
NO_CLOSURES = Closures()
