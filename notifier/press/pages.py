"""What is really written on the pages of a PDF, so that no letter ends up in another's envelope.

Reads what Typst makes: objects in plain sight, a classic table of offsets, text as glyphs with a
ToUnicode map for each font. A full reader takes fifty times as long. What it does not understand
is an error, never a page without text.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

_REF: Final = rb"(\d+) 0 R"
_START: Final = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_SECTION: Final = re.compile(rb"(\d+) (\d+)\s*\n")
_LENGTH: Final = re.compile(rb"/Length (\d+)")
_FONTS: Final = re.compile(rb"/Font<<(.*?)>>", re.DOTALL)
_FONT: Final = re.compile(rb"/(\w+) " + _REF)
_KIDS: Final = re.compile(rb"/Kids\[(.*?)\]", re.DOTALL)
_DEEPEST: Final = 12  # parentheses within parentheses; those that match need not be escaped
_INNER: Final = rb"(?:[^\\()]++|\\.%s)*+"


def _literal(depth: int = _DEEPEST) -> bytes:
    """What stands between the parentheses of a string."""
    return _INNER % (rb"|\(" + _literal(depth - 1) + rb"\)" if depth else b"")


_SHOWN: Final = re.compile(
    # Dictionaries hold strings, too (languages, say), which are not shown.
    rb"<<.*?>>|/(\w+) [\d.]+ Tf|\((" + _literal() + rb")\)|<([0-9A-Fa-f]+)>|\b(ET)\b",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)
_PLAIN: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
_MAPS: Final = re.compile(rb"beginbf(char|range)(.*?)endbf", re.DOTALL)
_HEX: Final = re.compile(rb"<([0-9A-Fa-f]*)>")
_ENTRY: Final = 20  # bytes of a line in the table of offsets


class Unreadable(Exception):
    """A PDF that is not of the form that our typesetter makes."""


class Pages:
    """The texts of the pages of a PDF."""

    def __init__(self, pdf: bytes) -> None:
        """Find the pages. Raises :class:`Unreadable`."""
        self._pdf = pdf
        self._maps: dict[int, Mapping[int, str]] = {}
        self._fonts: dict[bytes, Mapping[bytes, Mapping[int, str]]] = {}
        root = self._object(self._number(rb"/Root ", pdf[pdf.rfind(b"trailer") :]))
        self._pages = list(self._leaves(self._number(rb"/Pages ", root)))

    def __len__(self) -> int:
        return len(self._pages)

    def lines(self, place: int) -> Iterator[str]:
        """What is written on a page (0-based), one stretch of text after the other as drawn.

        Raises :class:`Unreadable`.
        """
        page = self._pages[place]
        fonts = self._fonts_of(page)
        glyphs: Mapping[int, str] = {}
        parts: list[str] = []
        content = self._stream(self._number(rb"/Contents ", page))
        for font, literal, digits, end in (found.groups() for found in _SHOWN.finditer(content)):
            if end:
                yield "".join(parts)
                parts.clear()
            elif font:
                glyphs = fonts.get(font, glyphs)
            elif literal or digits:
                raw = bytes.fromhex(digits.decode()) if digits else _ESCAPE.sub(_plain, literal)
                parts.append(_text(raw, glyphs))

    @cached_property
    def _offsets(self) -> Mapping[int, int]:
        start = _START.search(self._pdf, max(0, len(self._pdf) - 1024))
        if start is None:
            raise Unreadable("no table of offsets")
        at = int(start[1])
        if not self._pdf.startswith(b"xref", at):
            raise Unreadable("the table of offsets is not a classic one")
        at = self._pdf.index(b"\n", at) + 1
        found: dict[int, int] = {}
        while section := _SECTION.match(self._pdf, at):
            first, count = int(section[1]), int(section[2])
            for n in range(count):
                line = section.end() + n * _ENTRY
                found[first + n] = int(self._pdf[line : line + 10])
            at = section.end() + count * _ENTRY
        return found

    def _object(self, number: int) -> bytes:
        """The dictionary of an object, up to its stream or end."""
        start = self._offsets.get(number, -1)
        head = b"%d 0 obj" % number
        if not self._pdf.startswith(head, start):
            raise Unreadable(f"object {number} is not where it should be")
        end = self._pdf.find(b"endobj", start)
        stream = self._pdf.find(b"stream", start, end)
        return self._pdf[start + len(head) : stream if stream > 0 else end]

    def _stream(self, number: int) -> bytes:
        head = self._object(number)
        length = _LENGTH.search(head)
        if length is None or b"/FlateDecode" not in head:
            raise Unreadable(f"stream {number} is not packed as expected")
        start = self._offsets[number] + len(b"%d 0 obj" % number) + len(head) + len(b"stream")
        start += 2 if self._pdf.startswith(b"\r\n", start) else 1
        return zlib.decompress(self._pdf[start : start + int(length[1])])

    def _leaves(self, number: int) -> Iterator[bytes]:
        node = self._object(number)
        kids = _KIDS.search(node)
        if kids is None:
            yield node
            return
        for kid in re.findall(_REF, kids[1]):
            yield from self._leaves(int(kid))

    def _fonts_of(self, page: bytes) -> Mapping[bytes, Mapping[int, str]]:
        number = re.search(rb"/Resources " + _REF, page)
        resources = self._object(int(number[1])) if number else page
        found = _FONTS.search(resources)
        listed = found[1] if found else b""
        if listed not in self._fonts:
            self._fonts[listed] = {n: self._map(int(i)) for n, i in _FONT.findall(listed)}
        return self._fonts[listed]

    def _map(self, font: int) -> Mapping[int, str]:
        number = self._number(rb"/ToUnicode ", self._object(font))
        if number not in self._maps:
            self._maps[number] = dict(_mapping(self._stream(number)))
        return self._maps[number]

    @staticmethod
    def _number(key: bytes, text: bytes) -> int:
        found = re.search(key + _REF, text)
        if found is None:
            raise Unreadable(f"{key.decode().strip()} is missing")
        return int(found[1])


def _text(raw: bytes, glyphs: Mapping[int, str]) -> str:
    if len(raw) % 2:
        raise Unreadable("half a glyph")
    pairs = zip(raw[::2], raw[1::2], strict=True)
    return "".join([glyphs.get(high << 8 | low, "\ufffd") for high, low in pairs])


def _plain(escape: re.Match[bytes]) -> bytes:
    what = escape[1]
    return bytes([int(what, 8)]) if what.isdigit() else _PLAIN.get(what, what)


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
    return bytes.fromhex(code.decode()).decode("utf-16-be", "replace")
