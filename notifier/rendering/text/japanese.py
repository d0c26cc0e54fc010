"""How Japanese correspondence writes dates, amounts, numbers, hours and names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import groupby
from typing import Final

_WEEKDAYS: Final = "月火水木金土日"
#: First days of the eras since 1926, newest first (source: 元号法 and its cabinet orders).
_ERAS: Final = (
    (date(2019, 5, 1), "令和"),
    (date(1989, 1, 8), "平成"),
    (date(1926, 12, 25), "昭和"),
)
#: Digits of the groups by how a number begins (source: 電気通信番号計画; two-digit area codes only,
#: because the length of the others cannot be told from the number).
_GROUPS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(0120|0570|0990)(\d{3})(\d{3})",
        r"(0800)(\d{3})(\d{4})",
        r"(0[5-9]0)(\d{4})(\d{4})",
        r"(0[36])(\d{4})(\d{4})",
    )
)
_HALF: Final = str.maketrans("０１２３４５６７８９＋（）－‐‑–—−ーｰ　", "0123456789+()-------- ")
_PHONE: Final = re.compile(r"\+?[0-9(][0-9() -]*[0-9]")


@dataclass(frozen=True, slots=True)
class Open:
    """A span in which somebody answers."""

    days: str  # 平日, 土曜日, 月〜木曜日
    opens: time
    closes: time


def yen(amount: int) -> str:
    """``3430`` → ``3,430円``. Whole yen; anything but an integer is a ValueError."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise ValueError("an amount is a whole number of yen")
    return f"{amount:,}円"


def number(count: int) -> str:
    """``1854`` → ``1,854``, for what is counted: 1,854件."""
    return f"{count:,}"


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


def phone(text: str) -> str:
    """A phone number as it is printed: ``０１２００００００００`` → ``0120-000-000``.

    Digits without hyphens are parted where the number itself tells how (03, 06, 0120, 0800, 0570,
    050 to 090); ``03(0000)0000`` and ``+81 3-0000-0000`` become ``03-0000-0000``. All else, such as
    words or two numbers, is returned as it is.
    """
    bare = text.translate(_HALF).strip()
    if not _PHONE.fullmatch(bare):
        return text
    bare = re.sub(r"^\+81[ -]?(?:\(0\)|0)?", "0", bare)
    digits = re.sub(r"\D", "", bare)
    for pattern in _GROUPS:
        if found := pattern.fullmatch(digits):
            return "-".join(found.groups())
    return re.sub(r"[() -]+", "-", bare).strip("-") if digits.startswith("0") else text


def dialled(text: str) -> str:
    """The digits of a ``tel:`` link to the first number of a text; empty if there is none."""
    found = _PHONE.search(text.translate(_HALF))
    digits = re.sub(r"\D", "", phone(found[0])) if found else ""
    return digits if 8 <= len(digits) <= 15 else ""


def hours(spans: Sequence[Open], closed: str = "") -> str:
    """``平日 9:00〜12:00・13:00〜17:00、土曜日 9:00〜12:00（祝日・年末年始を除く）``.

    ``closed`` are the days without service among those of the spans. A span that ends before it
    begins, or begins before the one before it has ended, is a ValueError.
    """
    parts = []
    for days, group in groupby(spans, key=lambda span: span.days):
        known = list(group)
        edges = [edge for span in known for edge in (span.opens, span.closes)]
        if any(a >= b for a, b in zip(edges[::2], edges[1::2], strict=True)) or edges != sorted(
            edges
        ):
            raise ValueError("the spans of a day follow one another")
        parts.append(f"{days} {'・'.join(f'{_clock(s.opens)}〜{_clock(s.closes)}' for s in known)}")
    without = f"（{closed}を除く）" if closed and parts else ""
    return "、".join(parts) + without


def addressee(name: str, honorific: str) -> str:
    """``見本 花子 様``; 御中 for an organisation, 殿 where it is the custom."""
    return f"{name} {honorific}".strip()


def _clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"
