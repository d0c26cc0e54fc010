"""Folding of characters, for comparing and finding only: never for printing them."""

import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from typing import Final

#: Code points that no reader sees: variation selectors, joiners, marks of direction, soft hyphens.
INVISIBLE: Final = frozenset(
    (
        0xAD,
        0x34F,
        0x61C,
        *range(0x180B, 0x1810),
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFE00, 0xFE10),
        0xFEFF,
        *range(0xE0000, 0xE0080),
        *range(0xE0100, 0xE01F0),
    )
)
_SPACES_AND_CONTROLS: Final = (
    *range(0x21),
    *range(0x7F, 0xA1),
    *range(0x2000, 0x200B),
    *(0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)
_DASHES: Final = "‐‑‒–—―−ー－ｰ─━〜～"


def _variants() -> Iterator[tuple[int, str]]:
    # Groups of old, simplified and variant forms in names of places; the first stands for all.
    groups = files("notifier.postal").joinpath("variants.txt").read_text("utf-8").split()
    return ((ord(char), group[0]) for group in groups for char in group[1:])


def _kana() -> Iterator[tuple[int, str]]:
    small = str.maketrans("ァィゥェォッャュョヮヵヶ", "アイウエオツヤユヨワカケ")
    for code in (*range(0x3041, 0x3097), *range(0x30A1, 0x30FB), *range(0xFF66, 0xFF9E)):
        base = unicodedata.normalize("NFKD", chr(code))[0]
        if 0x3041 <= ord(base) < 0x3097:
            base = chr(ord(base) + 0x60)
        yield code, base.translate(small)


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = dict(_variants())
    for code in (*range(0xF900, 0xFAFF), *range(0x2F00, 0x2FD6), *range(0x2F800, 0x2FA1E)):
        plain = unicodedata.normalize("NFKC", chr(code))
        table.setdefault(code, str(table.get(ord(plain), plain)))
    table.update(_kana())
    table.update({code: chr(code - 0xFEE0).upper() for code in range(0xFF01, 0xFF5F)})
    table.update({code: chr(code).upper() for code in range(ord("a"), ord("z") + 1)})
    # 霞ヶ関, 霞が関 and 霞関 are one; so are 丸の内, 丸ノ内, 丸之内 and 丸内. 字 comes and goes.
    dropped = [code for code, char in table.items() if char in ("ケ", "カ", "ノ")]
    table.update(dict.fromkeys((*dropped, *map(ord, "之乃箇个字゛゜゙゚ﾞﾟ"))))
    table.update({ord(char): "-" for char in _DASHES})
    table.update(dict.fromkeys((*INVISIBLE, *_SPACES_AND_CONTROLS)))
    return table


_TABLE: Final = _table()
_AZA: Final = "大字"


def fold(text: str) -> str:
    """Text in which what is written now one way, now another is the same, or gone."""
    return text.replace(_AZA, "").translate(_TABLE)


def after(text: str, folded: int) -> str:
    """What follows in ``text`` once ``folded`` characters of its fold have been read."""
    place = 0
    while folded and place < len(text):
        if text.startswith(_AZA, place):
            place += len(_AZA)
            continue
        folded -= _TABLE.get(ord(text[place]), "") is not None
        place += 1
    return text[place:]


def _names() -> dict[int, str | None]:
    table: dict[int, str | None] = dict(_variants())
    table |= {code: chr(code + 0x60) for code in range(0x3041, 0x3097)}
    table |= dict.fromkeys((*INVISIBLE, *_SPACES_AND_CONTROLS, *map(ord, f"-{_DASHES}")))
    return table


_NAMES: Final = _names()


def fold_name(text: str) -> str:
    """Text by which people are found: width, case, kana, spaces, hyphens and variants are gone.

    「ｱｵﾔｷﾞ」 and 「あおやぎ」 are アオヤギ, 「髙﨑」 is 高崎, 03-0000-0000 is 0300000000.
    """
    return unicodedata.normalize("NFKC", text).casefold().translate(_NAMES)
