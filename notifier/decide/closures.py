"""Open days: weekends, national holidays and the bank days at the turn of the year are closed."""

from datetime import date
from functools import lru_cache

import jpholiday

_SATURDAY = 5


@lru_cache(maxsize=4096)
def is_open(day: date) -> bool:
    """Whether banks and the office work on ``day`` (銀行法施行令: 12/31 to 1/3 are closed)."""
    turn = (day.month, day.day) in {(12, 31), (1, 1), (1, 2), (1, 3)}
    return day.weekday() < _SATURDAY and not turn and not jpholiday.is_holiday(day)
