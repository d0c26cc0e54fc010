"""Days: the calendar date in Japan, business days."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

JAPAN = ZoneInfo("Asia/Tokyo")
_DAY = timedelta(days=1)


def japan_date(moment: datetime) -> date:
    """The calendar date in Japan at an aware moment."""
    return moment.astimezone(JAPAN).date()


def end_of(day: date) -> datetime:
    """The moment at which a day ends in Japan."""
    return datetime.combine(day + _DAY, time(), JAPAN)


def business_day(moment: datetime, cut_off: time, is_open: Callable[[date], bool]) -> date:
    """The open day that work at an aware moment belongs to.

    From the cut-off on (a time in Japan) it is the next open day's; on a closed day as well.
    """
    here = moment.astimezone(JAPAN)
    day = here.date() if here.time() < cut_off else here.date() + _DAY
    while not is_open(day):
        day += _DAY
    return day
