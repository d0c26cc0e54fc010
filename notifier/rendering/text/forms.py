"""How dates, amounts and numbers are written in a language.

Japanese forms are our own (``japanese``), all others are Babel's. A language that Babel does not
know is written like English.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from notifier.rendering.text import japanese


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one language."""

    yen: Callable[[int], str]  # raises ValueError for anything but a whole number
    number: Callable[[int], str]
    long_date: Callable[[date], str]  # with the day of the week
    plain_date: Callable[[date], str]


JAPANESE = Forms(japanese.yen, japanese.number, japanese.long_date, japanese.plain_date)


@lru_cache(maxsize=16)
def forms_of(language: str) -> Forms:
    """The forms of a language by its code, such as ``ja``."""
    if language == "ja":
        return JAPANESE
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    return Forms(
        yen=partial(_yen, locale),
        number=partial(format_decimal, locale=locale),
        long_date=partial(format_date, format="full", locale=locale),
        plain_date=partial(format_date, format="long", locale=locale),
    )


def _yen(locale: Locale, amount: int) -> str:
    japanese.yen(amount)  # refuses what is no whole number
    return format_currency(amount, "JPY", locale=locale)
