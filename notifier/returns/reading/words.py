"""Words looked for in texts, and texts made even for it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .addresses import ADDRESS

_GAP: Final = 90  # characters that a star stands for
_TRIES: Final = 20  # places of a first piece
_MARKS: Final = str.maketrans(
    {**dict.fromkeys('<>"()[]{}|-‐–—「」『』<>', " "), "’": "'", "‘": "'"}
)


def even(text: str, most: int = 4_000) -> str:
    """In lower case, half-width, on one line, with ``@`` in place of addresses."""
    text = text[:most]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)[:most]
    if "@" in text:
        text = ADDRESS.sub("@", text)
    return " ".join(text.lower().translate(_MARKS).split()) + " "


@dataclass(frozen=True, slots=True)
class Words:
    """Words to look for: those in one piece, and those in pieces that follow one another."""

    whole: tuple[str, ...]
    gapped: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, words: Iterable[str]) -> "Words":
        """From a table, in which a star stands for a gap."""
        given = tuple(words)
        pieces = (tuple(map(str.strip, one.split("*"))) for one in given if "*" in one)
        return cls(tuple(one for one in given if "*" not in one), tuple(pieces))

    def within(self, text: str) -> bool:
        """Whether a text that was made even holds one of them."""
        for word in self.whole:  # a loop takes half the time of any()
            if word in text:
                return True
        return any(pieces[0] in text and _follow(text, pieces) for pieces in self.gapped)


def _follow(text: str, pieces: tuple[str, ...]) -> bool:
    """Whether pieces follow one another, wherever the first of them stands."""
    start = text.find(pieces[0])
    for _ in range(_TRIES):
        if start < 0:
            return False
        at = start + len(pieces[0])
        for piece in pieces[1:]:
            found = text.find(piece, at, at + _GAP + len(piece))
            if found < 0:
                break
            at = found + len(piece)
        else:
            return True
        start = text.find(pieces[0], start + 1)
    return False


_SENTENCE: Final = re.compile(r"\s+")


def flat(text: str, most: int) -> str:
    """On one line, as written."""
    return _SENTENCE.sub(" ", text[: most * 2]).strip()[:most]
