"""Customer barcodes: the post's own examples, and zint as a judge of the bars."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.errors import BadInput
from notifier.model.member import PostalAddress
from notifier.postal.address import barcode_of
from notifier.postal.barcode import encode
from notifier.postal.extraction import address_part
from tests.postal.zint_bars import zint_bars

DATA = Path(__file__).parent / "data"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
VALUES = {s: n for n, s in enumerate([*"0123456789-", *(f"CC{n}" for n in range(1, 9))])}


def read(name: str, key: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((DATA / name).read_text("utf-8"))[key]
    return found


VECTORS = read("customer-barcode-vectors.json", "vectors")
ADDRESSES = read("customer-barcode-addresses.json", "addresses")

postcodes = st.text("0123456789", min_size=7, max_size=7)
parts = st.text("0123456789-" + LETTERS, max_size=30)


def length(part: str) -> int:
    return sum(2 if char in LETTERS else 1 for char in part)


def drawn(data: str) -> tuple[str, ...]:
    """The 13 address symbols that postcode and part make, letter by letter."""
    symbols: list[str] = []
    for char in data[7:]:
        place = LETTERS.find(char)
        symbols += [char] if place < 0 else [f"CC{place // 10 + 1}", str(place % 10)]
    return tuple([*symbols, *["CC4"] * 13][:13])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["data"])
def test_examples_of_the_post_after_the_town(vector: dict[str, str]) -> None:
    part = address_part(vector["address_after_town"])
    assert vector["postcode"] + part == vector["data"]
    assert encode(vector["postcode"], part).check_digit == vector["check_digit"]


@pytest.mark.parametrize("row", ADDRESSES, ids=lambda r: r["data"])
def test_examples_of_the_post_with_whole_addresses(row: dict[str, Any]) -> None:
    data, check_digit = row["data"], row["check_digit"]
    address = {k: v for k, v in row.items() if k not in ("data", "check_digit")}
    barcode = barcode_of(PostalAddress(**address))
    assert barcode is not None
    assert barcode.symbols == ("START", *row["postcode"], *drawn(data), check_digit, "STOP")


def test_bars_symbol_by_symbol() -> None:
    # 100-0013, 1-3-2-503 is the manual's running example (p. 17, 21); its check digit is 9.
    postcode = ["114", "144", "144", "144", "144", "114", "312"]
    part = ["114", "414", "312", "414", "132", "414", "141", "144", "312", *["432"] * 4]
    assert encode("1000013", "1-3-2-503").bars == "".join(["13", *postcode, *part, "411", "31"])


@given(postcodes, parts.filter(lambda part: length(part) <= 13))
def test_zint_draws_the_same_bars(postcode: str, part: str) -> None:
    assert encode(postcode, part).bars == zint_bars(postcode + part)


@given(postcodes, parts)
def test_every_barcode_is_whole(postcode: str, part: str) -> None:
    barcode = encode(postcode, part)
    assert len(barcode.symbols) == 23
    assert len(barcode.bars) == 67
    assert set(barcode.bars) <= set("1234")
    assert sum(VALUES[symbol] for symbol in barcode.symbols[1:-1]) % 19 == 0
    assert barcode.symbols[1:-2] == (*postcode, *drawn(postcode + part))
    assert (postcode + part).startswith(barcode.text)
    assert encode(barcode.text[:7], barcode.text[7:]) == barcode


@given(postcodes, parts, parts)
def test_what_is_cut_changes_nothing(postcode: str, part: str, more: str) -> None:
    if length(part) >= 13:
        assert encode(postcode, part + more).bars == encode(postcode, part).bars


@pytest.mark.parametrize(
    ("part", "last"),
    [
        ("123456789012A", "CC1"),  # symbols 20 and 21: the control code stays alone
        ("123456789012K9", "CC2"),
        ("123456789012Z", "CC3"),
        ("12345678901A", "0"),  # symbols 19 and 20: the letter is whole
        ("123456789012-5", "-"),
        ("ABCDEFG", "CC1"),
    ],
)
def test_the_last_place(part: str, last: str) -> None:
    assert encode("1000013", part).symbols[20] == last


def test_nothing_after_the_town_is_filled() -> None:
    assert encode("1008792", "").symbols[8:21] == ("CC4",) * 13


@pytest.mark.parametrize(
    "postcode", ["", "123456", "12345678", "123-4567", "１２３４５６７", "123456\n"]
)
def test_a_bad_postcode_is_named(postcode: str) -> None:
    with pytest.raises(BadInput, match="postcode: bad_postcode"):
        encode(postcode, "1")


@pytest.mark.parametrize("part", ["a", "1 2", "１", "1\n", "é", "\ud800", "٣"])
def test_a_bad_part_is_named(part: str) -> None:
    with pytest.raises(BadInput, match="part: bad_format"):
        encode("1000013", part)
