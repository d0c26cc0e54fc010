"""Where the letters of a document begin, read from the file that the typesetter made.

Every letter has one title, a heading of the first level, and so one entry of the first level in
the document's outline. Only what Typst writes is understood: a table of objects at the end
(PDF 1.7), references to whole objects, titles in hexadecimal.
"""

import re
from typing import Final

_REFERENCE: Final = rb"/%s (\d+) 0 R"
_KIDS: Final = re.compile(rb"/Kids\[([^\]]*)\]")
_NUMBER: Final = re.compile(rb"(\d+) 0 R")
_TARGET: Final = re.compile(rb"\[(\d+) 0 R")
_ENTRY: Final = 20  # bytes of an object in the table


class _File:
    def __init__(self, pdf: bytes) -> None:
        self._pdf = pdf
        start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
        head = re.compile(rb"xref\s+0 \d+\s+").match(pdf, start)
        if head is None:
            raise ValueError("no table of objects")
        self._table = head.end()
        self.trailer = pdf[pdf.rindex(b"trailer") :]

    def object(self, number: int) -> bytes:
        place = self._table + number * _ENTRY
        offset = int(self._pdf[place : place + 10])
        return self._pdf[offset : self._pdf.index(b"endobj", offset)]

    def named(self, key: bytes, within: bytes) -> int | None:
        """The number of the object that a key refers to."""
        found = re.search(_REFERENCE % key, within)
        return int(found[1]) if found else None

    def referred(self, key: bytes, within: bytes) -> bytes:
        number = self.named(key, within)
        return b"" if number is None else self.object(number)


def pages_of_letters(pdf: bytes) -> tuple[int, ...]:
    """The number of pages of each letter, in order. Raises ValueError on any other file."""
    file = _File(pdf)
    catalogue = file.referred(b"Root", file.trailer)
    kids = _KIDS.search(file.referred(b"Pages", catalogue))
    if kids is None:
        raise ValueError("no list of pages")
    places = {int(n): place for place, n in enumerate(_NUMBER.findall(kids[1]))}
    starts = [places[page] for page in _targets(file, catalogue)]
    if not starts or starts[0] != 0:
        raise ValueError("a letter has no title on its first page")
    return tuple(b - a for a, b in zip(starts, [*starts[1:], len(places)], strict=True))


def _targets(file: _File, catalogue: bytes) -> list[int]:
    """The pages (numbers of objects) that entries of the first level lead to."""
    found = []
    number = file.named(b"First", file.referred(b"Outlines", catalogue))
    while number is not None:
        entry = file.object(number)
        target = _TARGET.search(file.referred(b"Dest", entry))
        if target is None:
            raise ValueError("an entry of the outline leads nowhere")
        found.append(int(target[1]))
        number = file.named(b"Next", entry)
    return found
