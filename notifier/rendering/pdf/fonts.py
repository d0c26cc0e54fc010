"""Fonts as they stand in a PDF: what its glyphs mean, and how wide they are."""

import re
from collections.abc import Iterator, Sequence
from struct import unpack
from typing import Final

_MAPS: Final = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_HEX: Final = re.compile(rb"<([0-9A-Fa-f]*)>")
_SURROGATES: Final = 0xD800  # the first of them
_WIDTHS: Final = re.compile(rb"/W\[([\d. ]*)\]")


class Unreadable(Exception):
    """A PDF that is not of the form that our typesetter makes."""


class Unknown(Unreadable):
    """Something drawn on a page, in a way that we cannot read."""


class Font:
    """A font of a document."""

    def __init__(self, meanings: bytes, descendant: bytes) -> None:
        """``meanings``: its ToUnicode map; ``descendant``: the object with its widths.

        Raises :class:`Unreadable`.
        """
        self._meanings = dict(_mapping(meanings))
        self._widths = dict(_advances(descendant))

    def text(self, glyphs: Sequence[int]) -> str:
        """What glyphs mean; one of no meaning is U+FFFD."""
        return "".join([self._meanings.get(glyph, "\ufffd") for glyph in glyphs])

    def width(self, glyphs: Sequence[int]) -> float:
        """Thousandths of the size, without what is moved in between."""
        return sum([self._widths.get(glyph, 0.0) for glyph in glyphs])


def glyphs_of(raw: bytes) -> tuple[int, ...]:
    """A string of glyphs, two bytes each. Raises :class:`Unreadable`."""
    if len(raw) % 2:
        raise Unreadable("half a glyph")
    return unpack(f">{len(raw) // 2}H", raw)


def _mapping(cmap: bytes) -> Iterator[tuple[int, str]]:
    for kind, body in _MAPS.findall(cmap):
        codes = _HEX.findall(body)
        if kind == b"char":
            for glyph, text in zip(codes[::2], codes[1::2], strict=True):
                yield int(glyph, 16), _unicode(text)
        elif b"[" in body:
            raise Unreadable("a map of glyphs by lists")
        else:
            for low, high, text in zip(codes[::3], codes[1::3], codes[2::3], strict=True):
                first, start = int(low, 16), int(text, 16)
                for glyph in range(first, int(high, 16) + 1):
                    yield glyph, chr(start + glyph - first)


def _unicode(code: bytes) -> str:
    if len(code) == 4 and (point := int(code, 16)) < _SURROGATES:
        return chr(point)
    return bytes.fromhex(code.decode()).decode("utf-16-be", "replace")


def _advances(descendant: bytes) -> Iterator[tuple[int, float]]:
    """Widths stand as first glyph, last glyph, width of each; all others have none (``/DW 0``)."""
    found = _WIDTHS.search(descendant)
    if found is None or b"/DW 0" not in descendant:
        raise Unreadable("a font without widths")
    numbers = [float(n) for n in found[1].split()]
    for first, last, width in zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True):
        for glyph in range(int(first), int(last) + 1):
            yield glyph, width
