"""Words looked for in texts, and texts made even for it."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from .addresses import ADDRESS

_GAP: Final = 90  # characters that a star stands for
_MARKS: Final = str.maketrans({**dict.fromkeys('<>"()[]{}|-‐–—「」『』<>', " "), "’": "'", "‘": "'"})
Pattern = tuple[str, ...]


def even(text: str, most: int = 4_000) -> str:
    """In lower case, half-width, on one line, with ``@`` in place of addresses."""
    text = text[:most]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[:most]
    if "@" in text:
        text = ADDRESS.sub("@", text)
    return " ".join(text.lower().translate(_MARKS).split()) + " "


def patterns(words: Iterable[str]) -> tuple[Pattern, ...]:
    """Words as they are looked for: pieces that follow one another."""
    return tuple(tuple(piece.strip() if "*" in word else piece for piece in word.split("*")) for word in words)


def holds(text: str, pattern: Pattern) -> bool:
    """Whether a text that was made even holds a pattern."""
    if pattern[0] not in text:
        return False
    if len(pattern) == 1:
        return True
    start = text.find(pattern[0])
    for _ in range(20):
        if start < 0:
            return False
        if _follow(text, start + len(pattern[0]), pattern[1:]):
            return True
        start = text.find(pattern[0], start + 1)
    return False


def _follow(text: str, at: int, pieces: Pattern) -> bool:
    for piece in pieces:
        found = text.find(piece, at, at + _GAP + len(piece))
        if found < 0:
            return False
        at = found + len(piece)
    return True


_SENTENCE: Final = re.compile(r"\s+")


def flat(text: str, most: int) -> str:
    """On one line, as written."""
    return _SENTENCE.sub(" ", text[: most * 2]).strip()[:most]
