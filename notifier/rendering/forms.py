"""Odd forms of characters in text that people paste, made the usual ones.

Only what nobody means to write is touched: radicals in place of characters (from PDFs), spaces
that do not break, brackets of two widths in one pair. ①, ㈱, ～, half-width kana and variants of
names are meant as they are, so that no normal form of Unicode will do. Names are never touched.
"""

import re
import unicodedata
from typing import Final

#: U+2F00–2FDF, Kangxi radicals, each with the character it looks like; NBSP and its narrow kin.
_SINGLE: Final = {
    **{
        code: unicodedata.normalize("NFKC", chr(code))
        for code in range(0x2F00, 0x2FE0)
        if unicodedata.category(chr(code)) != "Cn"
    },
    0x00A0: " ",
    0x202F: " ",
}
_MIXED: Final = re.compile(r"（([^（）()\n]*)\)|\(([^（）()\n]*)）")
_ODD: Final = re.compile(f"[{''.join(map(chr, _SINGLE))}()]")


def usual(text: str) -> str:
    """The text in usual forms; most texts come back as they are."""
    if not _ODD.search(text):
        return text
    return _MIXED.sub(lambda found: f"（{found[1] or found[2] or ''}）", text.translate(_SINGLE))
