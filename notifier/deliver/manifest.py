"""The manifest of a batch: one row for each letter, and the checksums of all files."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from notifier.model.message import public_number

MANIFEST: Final = "manifest.csv"
CHECKSUMS: Final = "SHA256SUMS"
HEADER: Final = ("通番", "番号", "〒", "住所", "宛名", "ページ数", "ファイル", "sha256")
#: What a spreadsheet takes for the beginning of a formula, full-width forms included.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A letter in the manifest."""

    serial: int
    message_id: int
    postcode: str  # seven digits
    address: str
    name: str
    pages: int
    file: str
    sha256: str


def safe(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def manifest(entries: Sequence[Entry]) -> bytes:
    """CSV with CRLF, UTF-8 with BOM so that Excel reads it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(HEADER)
    for e in entries:
        number = public_number(e.message_id)
        postcode = f"{e.postcode[:3]}-{e.postcode[3:]}"
        row = (str(e.serial), number, postcode, e.address, e.name, str(e.pages), e.file, e.sha256)
        writer.writerow([safe(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def checksums(files: Mapping[str, str]) -> bytes:
    """Lines for ``sha256sum --check``: file → hash."""
    return "".join(f"{files[name]}  {name}\n" for name in sorted(files)).encode()
