"""Card numbers in texts: found by check digit, issuer range and length, however they are written.

A number of digits that somebody wrote is taken for a card number when it has a length and a
beginning that an issuer uses (``card_numbers.toml``) and its last digit is the Luhn check digit.
One number in ten has that digit by chance, so identifiers are judged more mildly by the callers.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final

MASK: Final = "*"


#: What stands between the digits of one number: spaces, dashes, dots, commas, signs, and what
#: nobody sees.
_BETWEEN: Final = (
    "\\x09-\\x0d\\x1c-\\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # spaces
    r"_\-~‐-―⁃−﹘﹣－ー－ｰ〜～⸺⸻゠"  # dashes
    r".․‧·・･•。｡．﹒,、，､:：;；/／\\'’"  # dots, commas, strokes
    r"*＊＃#+＋=＝()（）\[\]［］"  # signs and brackets
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff\u0300-\u036f\u20d0-\u20ff"
)
SHORTEST: Final = 13
#: Enough digits in a row to be a card number. Digits and what stands between them have nothing in
#: common, so the search takes a time in proportion to the text.
_ENOUGH_ASCII: Final = re.compile(
    rf"[0-9](?:[\s_\-~.,:;/\\'*#+=()\[\]]*[0-9]){{{SHORTEST - 1}}}", re.ASCII
)
#: Thirteen digits anywhere: what most texts have not, told in one go from left to right.
_THIRTEEN: Final = re.compile(rf"(?:[^0-9]*+[0-9]){{{SHORTEST}}}")
_PREFIX: Final = 4  # digits; no range needs more
_LONGEST: Final = 19
#: A digit's share of the Luhn sum where it is doubled.
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRange:
    """Numbers of one brand: from ``first`` to ``last`` at the start, and possible lengths."""

    brand: str
    first: str
    last: str
    lengths: frozenset[int]

    def has(self, start: str) -> bool:
        """Whether numbers that begin with these digits belong to it."""
        return self.first <= start[: len(self.first)] <= self.last


@lru_cache(maxsize=1)
def ranges() -> tuple[CardRange, ...]:
    """The ranges of all brands, as the data file has them."""
    text = files(__package__).joinpath("card_numbers.toml").read_text("utf-8")
    return tuple(
        CardRange(**{**one, "lengths": frozenset(one["lengths"])})
        for one in tomllib.loads(text)["ranges"]
    )


def has_card_number(text: str) -> bool:
    """Whether a card number stands in a text."""
    if len(text) < SHORTEST:
        return False
    if text.isascii():
        if _THIRTEEN.match(text) is None or _ENOUGH_ASCII.search(text) is None:
            return False
    elif _patterns().enough.search(text) is None:
        return False
    return next(spans(text), None) is not None


def masked(text: str) -> str:
    """The text with a ``*`` in place of every digit of a card number."""
    if len(text) < SHORTEST:
        return text
    digit = _patterns().digits
    for start, end in list(spans(text)):
        hidden = (MASK if digit.match(c) else c for c in text[start:end])
        text = text[:start] + "".join(hidden) + text[end:]
    return text


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Where card numbers stand, from the left; they do not overlap.

    A number begins and ends where somebody began and ended to write digits: within an unbroken row
    of them no part is looked for.
    """
    patterns = _patterns()
    for found in patterns.enough.finditer(text):
        groups = [
            (g.start(), g.end(), "".join(str(unicodedata.digit(c)) for c in g.group()))
            for g in patterns.digits.finditer(text, found.start(), found.end())
        ]
        at = 0
        while at < len(groups):
            last = _card_from(groups, at)
            if last is not None:
                yield groups[at][0], groups[last][1]
            at = at + 1 if last is None else last + 1


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Digits of every script, width and dress; and enough of them to be a card number."""

    digits: re.Pattern[str]
    enough: re.Pattern[str]


@lru_cache(maxsize=1)
def _patterns() -> _Patterns:
    # Written out, not as \d: a set without classes is looked up in a table. Beyond the basic
    # plane only the mathematical, the segmented and the ones with a comma.
    plane = "".join(chr(c) for c in range(0x10000) if unicodedata.digit(chr(c), None) is not None)
    digit = f"[{plane}\U0001d7ce-\U0001d7ff\U0001fbf0-\U0001fbf9\U0001f101-\U0001f10a]"
    return _Patterns(
        re.compile(f"{digit}+"),
        re.compile(f"{digit}(?:[{_BETWEEN}]*{digit}){{{SHORTEST - 1},}}"),
    )


def is_card_number(digits: str) -> bool:
    """Whether decimal digits are a card number: issuer, length and check digit."""
    return len(digits) in _lengths(digits[:_PREFIX]) and _checks(digits)


@lru_cache(maxsize=10**_PREFIX)
def _lengths(start: str) -> frozenset[int]:
    """How many digits a card number can have that begins with these four."""
    return frozenset[int]().union(*(one.lengths for one in ranges() if one.has(start)))


def _card_from(groups: list[tuple[int, int, str]], first: int) -> int | None:
    """The last of the groups that make a card number with the first one, if any do."""
    digits, found = "", None
    for place in range(first, len(groups)):
        digits += groups[place][2]
        if len(digits) > _LONGEST:
            break
        if len(digits) >= SHORTEST and is_card_number(digits):
            found = place
    return found


def _checks(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit."""
    backwards = [int(d) for d in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[d] for d in backwards[1::2])) % 10 == 0
