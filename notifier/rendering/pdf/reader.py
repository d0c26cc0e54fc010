"""What is really drawn on the pages of a PDF, so that no letter ends up in another's envelope.

Reads what Typst makes: objects in plain sight and a classic table of offsets. A full reader takes
fifty times as long. What it does not understand is an error, never a page with less on it.
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from notifier.rendering.pdf.content import Contents, Drawn
from notifier.rendering.pdf.fonts import Font, Unreadable

_REF: Final = rb"(\d+) 0 R"
_START: Final = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
_SECTION: Final = re.compile(rb"(\d+) (\d+)\s*\n")
_LENGTH: Final = re.compile(rb"/Length (\d+)")
_FONTS: Final = re.compile(rb"/Font<<(.*?)>>", re.DOTALL)
_FONT: Final = re.compile(rb"/(\w+) " + _REF)
_KIDS: Final = re.compile(rb"/Kids\[(.*?)\]", re.DOTALL)
_DESCENDANT: Final = re.compile(rb"/DescendantFonts\[" + _REF + rb"\]")
_HEIGHT: Final = re.compile(rb"/MediaBox\[0 0 [\d.]+ ([\d.]+)\]")
_FIRST: Final = re.compile(rb"/First " + _REF)
_NEXT: Final = re.compile(rb"/Next " + _REF)
_TARGET: Final = re.compile(rb"\[" + _REF)
_ENTRY: Final = 20  # bytes of a line in the table of offsets


class Pages:
    """The pages of a PDF."""

    def __init__(self, pdf: bytes) -> None:
        """Find the pages. Raises :class:`Unreadable`."""
        self._pdf = pdf
        self._fonts: dict[int, Font] = {}
        self._contents: dict[bytes, Contents] = {}
        root = self._object(self._number(rb"/Root ", pdf[pdf.rfind(b"trailer") :]))
        self._root = root
        self._pages = dict(self._leaves(self._number(rb"/Pages ", root)))
        self._in_order = list(self._pages.values())

    def __len__(self) -> int:
        return len(self._pages)

    def drawn(self, place: int) -> Iterator[Drawn]:
        """What is drawn on a page (0-based), in order. Raises :class:`Unreadable`."""
        page = self._in_order[place]
        height = _HEIGHT.search(page)
        if height is None:
            raise Unreadable("a page without a height")
        content = self._stream(self._number(rb"/Contents ", page))
        return self._contents_of(page).drawn(content, float(height[1]))

    def lines(self, place: int) -> Iterator[str]:
        """What is written on a page, one stretch of text after the other as drawn."""
        return (piece.text for piece in self.drawn(place) if piece.text)

    def of_letters(self) -> tuple[int, ...]:
        """The number of pages of each letter, in order. Raises :class:`Unreadable`.

        Every letter has one title, a heading of the first level, and so one entry of the first
        level in the outline of the document.
        """
        places = {number: place for place, number in enumerate(self._pages)}
        starts = [places[page] for page in self._titles()]
        if not starts or starts[0] != 0:
            raise Unreadable("a letter has no title on its first page")
        return tuple(b - a for a, b in zip(starts, [*starts[1:], len(places)], strict=True))

    def _titles(self) -> Iterator[int]:
        """The pages (numbers of objects) that entries of the first level lead to."""
        outline = re.search(rb"/Outlines " + _REF, self._root)
        entry = _FIRST.search(self._object(int(outline[1]))) if outline else None
        while entry is not None:
            title = self._object(int(entry[1]))
            target = _TARGET.search(self._object(self._number(rb"/Dest ", title)))
            if target is None:
                raise Unreadable("an entry of the outline leads nowhere")
            yield int(target[1])
            entry = _NEXT.search(title)

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

    def _leaves(self, number: int) -> Iterator[tuple[int, bytes]]:
        node = self._object(number)
        kids = _KIDS.search(node)
        if kids is None:
            yield number, node
            return
        for kid in re.findall(_REF, kids[1]):
            yield from self._leaves(int(kid))

    def _contents_of(self, page: bytes) -> Contents:
        """The reader of all pages with the same fonts."""
        number = re.search(rb"/Resources " + _REF, page)
        resources = self._object(int(number[1])) if number else page
        found = _FONTS.search(resources)
        listed = found[1] if found else b""
        if listed not in self._contents:
            fonts = {name: self._font(int(number)) for name, number in _FONT.findall(listed)}
            self._contents[listed] = Contents(fonts)
        return self._contents[listed]

    def _font(self, number: int) -> Font:
        if number not in self._fonts:
            font = self._object(number)
            descendant = _DESCENDANT.search(font)
            if descendant is None:
                raise Unreadable("a font without glyphs")
            meanings = self._stream(self._number(rb"/ToUnicode ", font))
            self._fonts[number] = Font(meanings, self._object(int(descendant[1])))
        return self._fonts[number]

    @staticmethod
    def _number(key: bytes, text: bytes) -> int:
        found = re.search(key + _REF, text)
        if found is None:
            raise Unreadable(f"{key.decode().strip()} is missing")
        return int(found[1])
