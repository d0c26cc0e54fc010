"""Open days, and the day on which a letter arrives.

Weekends, national holidays and the bank days at the turn of the year are closed. The association
has closed days of its own beside them, some of them of one scheme only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache, partial

import jpholiday

from notifier.model.closure import Closure
from notifier.model.member import PostalAddress
from notifier.model.press import Press
from notifier.postal.transit import days

from .calendar import business_day

_DAY = timedelta(days=1)
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


def arrival(
    now: datetime, to: PostalAddress, press: Press, is_work_day: Callable[[date], bool]
) -> date:
    """The day in Japan on which a letter arrives that is ready at ``now``.

    It is collected on the association's next work day (``is_work_day``), from the press's cut-off
    on on the one after it; the press, which has no closed days but those of everybody, posts it
    ``hand_over_days`` later. Ordinary letters are delivered on business days; counting the turn of
    the year as closed errs on the safe side.
    """
    collected = business_day(now, press.cut_off, is_work_day)
    posted = business_days_later(collected, press.hand_over_days)
    return business_days_later(posted, days(posted, press.prefecture, to))


def business_days_later(day: date, count: int) -> date:
    """The ``count``-th business day after ``day``; with 0 the day itself."""
    while count:
        day += _DAY
        count -= is_open(day)
    return day
