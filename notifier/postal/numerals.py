"""Numbers written in kanji: 十一, 二百五, 一〇三."""

import re
from typing import Final

_DIGITS: Final = {
    **{char: value for value, char in enumerate("〇一二三四五六七八九")},
    **dict(zip("零壱弐参壹貳參○◯", (0, 1, 2, 3, 1, 2, 3, 0, 0), strict=True)),
}
_UNITS: Final = {"十": 10, "拾": 10, "百": 100, "千": 1000}
_MYRIAD: Final = "万"
#: One number. Circles are zeros inside it only; nobody counts to more than 16 characters.
NUMERAL: Final = (
    "[〇零一二三四五六七八九十百千壱弐参壹貳參拾]"
    "[〇零一二三四五六七八九十百千壱弐参壹貳參拾○◯万]{0,15}"
)
_POSITIONAL: Final = str.maketrans({char: str(value) for char, value in _DIGITS.items()})
_RUN: Final = re.compile(NUMERAL)
_ARABIC: Final = re.compile("[0-9]{1,4}")


def to_digits(numeral: str) -> str:
    """The digits of a number that matches :data:`NUMERAL`: 二十一 is 21, 一〇三 is 103.

    Without 十, 百, 千 or 万 every character is one digit, leading zeros kept.
    """
    if not any(char in _UNITS or char == _MYRIAD for char in numeral):
        return numeral.translate(_POSITIONAL)
    total = section = current = 0
    for char in numeral:
        if char in _DIGITS:
            current = current * 10 + _DIGITS[char]
        elif char == _MYRIAD:
            total, section, current = (section + current) * 10_000, 0, 0
        else:
            section, current = section + (current or 1) * _UNITS[char], 0
    return str(total + section + current)


def to_kanji(digits: str) -> str:
    """One to four digits as a number is spoken: 21 is 二十一."""
    spoken = ""
    for char, unit in zip(f"{int(digits):04d}", ("千", "百", "十", ""), strict=True):
        if char != "0":
            spoken += ("" if char == "1" and unit else "〇一二三四五六七八九"[int(char)]) + unit
    return spoken or "〇"


def spellings(name: str) -> tuple[str, ...]:
    """A name with its numbers as they stand, in digits, and in kanji; each spelling once."""
    digits = _RUN.sub(lambda found: to_digits(found[0]), name)
    kanji = _ARABIC.sub(lambda found: to_kanji(found[0]), name)
    return tuple(dict.fromkeys((name, digits, kanji)))
