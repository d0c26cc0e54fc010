"""The lists that go with a batch."""

import csv
import io
import unicodedata
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from notifier.model.press import Encoding
from notifier.printing.manifest import (
    HEADER,
    Entry,
    Unmapped,
    checksums,
    counted,
    counts,
    manifest,
    unmapped,
)

ENTRY = Entry(
    serial=1,
    number="M000000001",
    postcode="1000001",
    lines=("東京都千代田区千代田9-9-9",),
    name="潮田 凪 様",
    barcode="10000019-9-9",
    pages=3,
    sheets=2,
    envelope="naga3",
    file="B000001-001.pdf",
    first_page=1,
    grams=14,
    yen=110,
    sha256="00",
)


def read(data: bytes, encoding: str = "utf-8-sig") -> list[list[str]]:
    return [*csv.reader(io.StringIO(data.decode(encoding), newline=""))]


def test_no_cell_is_a_formula() -> None:
    entry = replace(ENTRY, lines=('=HYPERLINK("https://example.jp")', "-1"), name="＠SUM(A1)")
    data, _ = manifest([entry], "utf-8")
    assert data.startswith("\ufeff通番,".encode())
    head, row = read(data)
    assert tuple(head) == HEADER
    assert row[3:6] == ['\'=HYPERLINK("https://example.jp")', "'-1", "'＠SUM(A1)"]


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(["utf-8", "cp932"]),
)
def test_every_name_comes_back_or_is_reported(name: str, encoding: Encoding) -> None:
    data, lacking = manifest([replace(ENTRY, name=name)], encoding)
    row = read(data, "cp932" if encoding == "cp932" else "utf-8-sig")[1]
    cell = row[5].removeprefix("'")
    if encoding == "utf-8":
        assert lacking == []
        assert cell == name.removeprefix("'")
        return
    told = {one.character for one in lacking}
    same = str.maketrans("〜−—‖¢£¬", "～－―∥￠￡￢")
    # A selector has no width of its own: without it its base stands in its usual form.
    shown = (c for c in name if not unicodedata.name(c, "").startswith("VARIATION SELECTOR"))
    kept = "".join("〓" if c in told else c for c in shown).translate(same)
    assert cell == kept.removeprefix("'")


def test_what_does_not_map_is_named() -> None:
    entry = replace(ENTRY, name="𠮷田 〜髙﨑①㈱ 葛\U000e0100 様")
    data, lacking = manifest([entry], "cp932")
    assert read(data, "cp932")[1][5] == "〓田 ～髙﨑①㈱ 葛 様"
    assert lacking == [
        Unmapped("M000000001", "宛名", "𠮷"),
        Unmapped("M000000001", "宛名", "\U000e0100"),
    ]
    assert read(unmapped(lacking))[1] == ["M000000001", "宛名", "𠮷", "U+20BB7"]


def test_counts_of_each_file_and_of_all() -> None:
    other = replace(ENTRY, serial=3, file="B000001-002.pdf", pages=1, sheets=1, grams=10)
    found = counted([ENTRY, replace(ENTRY, serial=2), other])
    data = counts(found, 319, date(2025, 7, 16), "utf-8")
    assert read(data)[1:] == [
        ["2025-07-16", "B000001-001.pdf", "2", "6", "4", "28", "220"],
        ["2025-07-16", "B000001-002.pdf", "1", "1", "1", "10", "110"],
        ["2025-07-16", "合計", "3", "7", "5", "38", "330"],
        ["2025-07-16", "バーコード割引後", "", "", "", "", "319"],
    ]


def test_checksums_are_in_order() -> None:
    assert checksums({"b": "1", "a": "2"}) == b"2  a\n1  b\n"
