"""When a letter that is decided on now lies in its reader's letter box, at the latest."""

from collections.abc import Callable
from datetime import date, datetime, timedelta

from notifier.model.member import PostalAddress
from notifier.model.press import Press
from notifier.postal.transit import days

from .calendar import business_day
from .closures import is_open

_DAY = timedelta(days=1)


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
