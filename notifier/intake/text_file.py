"""Files that people export: the encoding told with certainty, CSV rows with their lines."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from notifier.model.characters import printable
from notifier.model.errors import BadInput, FieldError

from . import card_numbers

_KANA_OR_KANJI = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
#: What files of other kinds begin with.
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")  # zip: xlsx, ods; OLE: xls
_OTHERS: Final = (b"%PDF-", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"{\\rtf", b"SQLite format")
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
_SEPARATORS: Final = (";", "\t", "，", "、", "|")
#: Headings of columns with identifiers (as :func:`heading` has them), which may look like card
#: numbers: of members, policies, letters and pieces of the press.
_IDENTIFIERS: Final = frozenset(
    {"member_no", "会員番号", "加入者番号", "policies", "policy_no", "証券番号"}
    | {"number", "番号", "press_id", "piece_id", "管理番号"}
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV file and the line on which it begins (1-based)."""

    line: int
    cells: tuple[str, ...]

    @property
    def is_blank(self) -> bool:
        """Whether no cell says anything."""
        return not any(cell.strip() for cell in self.cells)


def decode(data: bytes) -> tuple[str, str]:
    """Text and encoding (``utf-8``, ``utf-8-sig`` or ``cp932``) of a file.

    Nothing is guessed: what could be read in two ways is refused. Raises :class:`BadInput` with
    ``empty_file``, ``excel_workbook``, ``not_csv``, ``utf16``, ``nul_character`` or
    ``bad_encoding``; the field is ``file``.
    """
    if not data.strip(b"\xef\xbb\xbf\r\n\t ,"):
        raise BadInput([FieldError("file", "empty_file")])
    if data.startswith(_WORKBOOKS):
        raise BadInput([FieldError("file", "excel_workbook")])
    if data.startswith(_OTHERS):
        raise BadInput([FieldError("file", "not_csv")])
    if data.startswith(_UTF16_MARKS) or data.count(b"\0") * 16 >= len(data):
        raise BadInput([FieldError("file", "utf16")])
    encoding = _encoding(data)
    return data.decode(encoding), encoding


def read_rows(text: str) -> list[Row]:
    """The rows of a CSV text, blank ones left out; at least one. The first has the headings.

    Cells at the end of rows, for which there is no heading and in which nothing stands, are
    spreadsheets' own and left out. Raises :class:`BadInput` with ``bad_csv``, ``empty_file`` or
    ``wrong_separator``, or naming every cell that no column of any file may hold: NUL
    (``control_character``) or a card number.
    """
    rows = list(_rows(text))
    if not rows:
        raise BadInput([FieldError("file", "empty_file")])
    first = rows[0]
    if len(first.cells) == 1:
        for separator in _SEPARATORS:
            if separator in first.cells[0]:
                params = {"found": {"\t": "Tab"}.get(separator, separator)}
                raise BadInput([FieldError("file", "wrong_separator", params, line=first.line)])
    rows = _without_tail(rows)
    wrong = [error for row in rows for error in _refused(row, rows[0].cells)]
    if wrong:
        raise BadInput(wrong)
    return rows


def _without_tail(rows: list[Row]) -> list[Row]:
    titles = rows[0].cells
    width = len(titles)
    while width > 1 and not titles[width - 1].strip():
        width -= 1
    if any(cell.strip() for row in rows for cell in row.cells[width : len(titles)]):
        width = len(titles)  # something stands under no heading: whoever reads it names the column
    return [
        Row(row.line, row.cells[:width])
        if len(row.cells) > width and not any(cell.strip() for cell in row.cells[width:])
        else row
        for row in rows
    ]


def _refused(row: Row, titles: tuple[str, ...]) -> Iterator[FieldError]:
    for place, cell in enumerate(row.cells):
        if "\0" in cell:
            code: str | None = "control_character"
        elif len(cell) < card_numbers.SHORTEST:
            continue
        else:
            title = heading(titles[place]) if place < len(titles) else ""
            name = "member_no" if title in _IDENTIFIERS else ""
            code = card_numbers.refusal(name, cell.strip())
        if code:
            title = titles[place] if place < len(titles) else "file"
            yield FieldError(printable(title.strip()[:60]), code, line=row.line)


def _rows(text: str) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            row = Row(line, tuple(cells))
            if not row.is_blank:
                yield row
            line = reader.line_num + 1
    except csv.Error:
        raise BadInput([FieldError("file", "bad_csv", line=line)]) from None


def heading(cell: str) -> str:
    """A column's heading without differences of width, case and surrounding space."""
    return unicodedata.normalize("NFKC", cell).strip().casefold()


def _encoding(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        data, found = data[3:], "utf-8-sig"
    else:
        found = "utf-8"
    if _is_wide(data):  # UTF-16 of ASCII text is valid UTF-8
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise BadInput([FieldError("file", "nul_character", line=line)])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        if found == "utf-8" and _is_cp932(data):
            return "cp932"
        raise BadInput([FieldError("file", "bad_encoding", line=line)]) from None
    return found


def _is_wide(data: bytes) -> bool:
    """Whether so much is NUL that each character has several bytes. A few stand in bad cells."""
    return data.count(0) * 8 > len(data)


def _is_cp932(data: bytes) -> bool:
    # A damaged UTF-8 file and one in EUC-JP can both be read as CP932, as nonsense.
    if not _decodes(data, "cp932") or _decodes(data, "euc_jp"):
        return False
    as_utf8 = data.decode("utf-8", "replace")
    return len(_KANA_OR_KANJI.findall(as_utf8)) <= as_utf8.count("\ufffd")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
