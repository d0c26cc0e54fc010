"""How Japanese correspondence writes dates, amounts and numbers."""

from datetime import date
from typing import Final

_WEEKDAYS: Final = "月火水木金土日"
#: First days of the eras since 1926, newest first (source: 元号法 and its cabinet orders).
_ERAS: Final = (
    (date(2019, 5, 1), "令和"),
    (date(1989, 1, 8), "平成"),
    (date(1926, 12, 25), "昭和"),
)


def yen(amount: int) -> str:
    """``3430`` → ``3,430円``. Whole yen; anything but an integer is a ValueError."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise ValueError("an amount is a whole number of yen")
    return f"{amount:,}円"


def long_date(day: date) -> str:
    """``2025年8月14日（木）``."""
    return f"{day.year}年{day.month}月{day.day}日（{_WEEKDAYS[day.weekday()]}）"


def plain_date(day: date) -> str:
    """``2025年8月14日``, as it stands at the head of a letter."""
    return f"{day.year}年{day.month}月{day.day}日"


def wareki(day: date) -> str:
    """``令和7年8月14日``; the first year of an era is 元年. Dates before 1926-12-25: ValueError."""
    for begin, name in _ERAS:
        if day >= begin:
            year = day.year - begin.year + 1
            return f"{name}{'元' if year == 1 else year}年{day.month}月{day.day}日"
    raise ValueError("no era for a date before 1926-12-25")


def postcode(digits: str) -> str:
    """``1000001`` → ``〒100-0001``; a hyphen that is there already is kept as one."""
    bare = digits.replace("-", "")
    if len(bare) != 7 or not bare.isascii() or not bare.isdigit():
        raise ValueError("a postcode has seven digits")
    return f"〒{bare[:3]}-{bare[3:]}"


def dialled(phone: str) -> str:
    """The digits of a phone number for a ``tel:`` link; empty if there is none to dial."""
    digits = "".join(c for c in phone if c.isascii() and c.isdigit())
    return digits if 8 <= len(digits) <= 15 else ""
