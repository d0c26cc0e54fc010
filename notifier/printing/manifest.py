"""The lists that go with a batch: manifest, counts, withdrawals and checksums."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from notifier.model.press import Encoding

MANIFEST: Final = "manifest.csv"
COUNTS: Final = "counts.csv"
UNMAPPED: Final = "unmapped.csv"
CHECKSUMS: Final = "SHA256SUMS"
HEADER: Final = (
    "通番", "番号", "〒", "住所1", "住所2", "宛名", "バーコード", "ページ数", "用紙枚数",
    "封筒", "ファイル", "先頭ページ", "重量g", "取扱", "郵便料金", "ファイルsha256",
)  # fmt: skip
#: What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: The same characters under two code points; CP932 has only one of each pair.
_SAME: Final = str.maketrans("〜−—‖¢£¬", "～－―∥￠￡￢")
_RECORDED: Final = "特定記録"
_GETA: Final = "〓"  # stands for a character that a printer's set lacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A letter in the manifest."""

    serial: int
    number: str  # printed on it
    postcode: str  # seven digits
    lines: tuple[str, ...]  # of the address, one or two
    name: str  # with its honorific
    barcode: str  # what the customer barcode says; empty: it has none
    pages: int
    sheets: int
    envelope: str  # its name
    file: str
    first_page: int  # 1-based
    grams: int
    recorded: bool = False  # posted as 特定記録
    yen: int
    sha256: str  # of the file

    @property
    def cells(self) -> tuple[str, ...]:
        """A row, by :data:`HEADER`."""
        first, second = (*self.lines, "")[:2]
        return (
            str(self.serial), self.number, f"{self.postcode[:3]}-{self.postcode[3:]}", first,
            second, self.name, self.barcode, str(self.pages), str(self.sheets),
            self.envelope, self.file, str(self.first_page), str(self.grams),
            _RECORDED if self.recorded else "", str(self.yen), self.sha256,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A character that the encoding of the lists lacks."""

    number: str  # of the letter
    column: str
    character: str


@dataclass(slots=True)
class Table:
    """A CSV file in the making: CRLF, no cell a formula."""

    encoding: Encoding
    unmapped: list[Unmapped] = field(default_factory=list)
    _text: io.StringIO = field(default_factory=io.StringIO)

    def add(self, cells: Sequence[str], *, number: str = "", header: Sequence[str] = ()) -> None:
        """A row; ``number`` and ``header`` name where a character is that does not map."""
        if self.encoding == "cp932":
            columns = header or [""] * len(cells)
            cells = [
                self._mapped(cell, number, column)
                for cell, column in zip(cells, columns, strict=True)
            ]
        csv.writer(self._text, lineterminator="\r\n").writerow([safe(cell) for cell in cells])

    def data(self) -> bytes:
        """The file. UTF-8 has a BOM, so that Excel reads it."""
        encoding = "cp932" if self.encoding == "cp932" else "utf-8-sig"
        return self._text.getvalue().encode(encoding)

    def _mapped(self, cell: str, number: str, column: str) -> str:
        cell = cell.translate(_SAME)
        if _fits(cell):
            return cell
        lacking = [c for c in cell if not _fits(c)]
        self.unmapped += [Unmapped(number, column, c) for c in lacking]
        return "".join(c if _fits(c) else "" if _is_selector(c) else _GETA for c in cell)


def _fits(text: str) -> bool:
    try:
        text.encode("cp932")
    except UnicodeEncodeError:
        return False
    return True


def _is_selector(c: str) -> bool:
    """Whether it only chooses a form of the character before it."""
    return "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef"


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def manifest(entries: Iterable[Entry], encoding: Encoding) -> tuple[bytes, list[Unmapped]]:
    """One row for each letter, and what could not be written as it is."""
    table = Table(encoding)
    table.add(HEADER)
    for entry in entries:
        table.add(entry.cells, number=entry.number, header=HEADER)
    return table.data(), table.unmapped


def unmapped(found: Iterable[Unmapped]) -> bytes:
    """The report of characters that did not map; always UTF-8, for they would be lost in it."""
    table = Table("utf-8")
    table.add(("番号", "欄", "文字", "符号位置"))
    for one in found:
        table.add((one.number, one.column, one.character, f"U+{ord(one.character):04X}"))
    return table.data()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a file, or all of them, holds."""

    file: str
    pieces: int = 0
    pages: int = 0
    sheets: int = 0
    grams: int = 0
    yen: int = 0

    def plus(self, entry: Entry) -> "Count":
        """With one letter more."""
        return Count(
            file=self.file,
            pieces=self.pieces + 1,
            pages=self.pages + entry.pages,
            sheets=self.sheets + entry.sheets,
            grams=self.grams + entry.grams,
            yen=self.yen + entry.yen,
        )


def counted(entries: Iterable[Entry]) -> list[Count]:
    """The count of each file, in order, and of all."""
    found: dict[str, Count] = {}
    total = Count(file="合計")
    for entry in entries:
        found[entry.file] = found.get(entry.file, Count(file=entry.file)).plus(entry)
        total = total.plus(entry)
    return [*found.values(), total]


def counts(given: Iterable[Count], yen: int, posting_day: date, encoding: Encoding) -> bytes:
    """What a press checks first: pieces, pages, sheets and postage of each file and of all.

    ``yen``: postage of all together, with the discount for barcodes.
    """
    table = Table(encoding)
    table.add(("差出日", "ファイル", "通数", "ページ数", "用紙枚数", "重量g", "郵便料金"))
    day = posting_day.isoformat()
    for c in given:
        figures = (c.pieces, c.pages, c.sheets, c.grams, c.yen)
        table.add((day, c.file, *(str(figure) for figure in figures)))
    table.add((day, "バーコード割引後", "", "", "", "", str(yen)))
    return table.data()


def withdrawals(rows: Iterable[tuple[int, str, str, int]], encoding: Encoding) -> bytes:
    """Pieces that are not to be posted: 通番, 番号, file and first page."""
    table = Table(encoding)
    table.add(("通番", "番号", "ファイル", "先頭ページ"))
    for serial, number, file, first_page in rows:
        table.add((str(serial), number, file, str(first_page)))
    return table.data()


def checksums(files: Mapping[str, str]) -> bytes:
    """Lines for ``sha256sum --check``: file → hash."""
    return "".join(f"{files[name]}  {name}\n" for name in sorted(files)).encode()
