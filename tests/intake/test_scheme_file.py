"""Schemes as files."""

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.intake.scheme_file import read_scheme
from notifier.model.errors import BadInput
from notifier.model.money import LineKind

EXAMPLE = Path(__file__).parent.parent.parent / "docs" / "examples" / "group-liability.toml"
TEXT = EXAMPLE.read_text("utf-8")


def told(text: str | bytes) -> list[tuple[str, str]]:
    with pytest.raises(BadInput) as caught:
        read_scheme(text if isinstance(text, bytes) else text.encode())
    return [(e.field, e.code) for e in caught.value.errors]


def test_the_example() -> None:
    scheme = read_scheme(EXAMPLE.read_bytes())
    fee = scheme.fee_on(LineKind.OPERATING_FEE, date(2025, 7, 15))
    brand = scheme.brand_on(date(2025, 7, 15))
    assert (scheme.scheme, fee and fee.yen) == ("group-liability", 200)
    assert brand is not None
    assert brand.agency.phone == "03-0000-0001"
    assert brand.allowed_domains == ("midori.example.jp",)


@pytest.mark.parametrize(
    ("old", "new", "errors"),
    [
        ("yen = 200", 'yen = "200"', [("fees.0.yen", "wrong_type")]),
        ("yen = 200", "yen = -1", [("fees.0.yen", "negative")]),
        ('"operating_fee"', '"tip"', [("fees.0.kind", "not_allowed")]),
        ("yen = 200\nvalid_from = 2024-04-01", "yen = 200", [("fees.0.valid_from", "missing")]),
        ('"#1d5f4b"', '"green"', [("brands.0.colour", "bad_format")]),
        ("https://member", "http://member", [("brands.0.login_url", "bad_url")]),
        (
            "https://member.midori.example.jp/login",
            "https://midori.example.jp.other.example.jp/",
            [("brands.0.login_url", "domain_not_allowed")],
        ),
        ('"notice@', '"notice ', [("brands.0.sender_address", "bad_email")]),
        ('"agency@', '"agency ', [("brands.0.agency.email", "bad_email")]),
        ('name = "団体', 'name = "\\u202e団体', [("name", "control_character")]),
        ("[[brands]]", "[[brand]]", [("brands", "wrong_type"), ("brand", "unknown_field")]),
        ('scheme = "group', 'scheme = "Group', [("scheme", "bad_format")]),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, errors: list[tuple[str, str]]) -> None:
    assert old in TEXT
    assert told(TEXT.replace(old, new, 1)) == errors


_HOURS = 'hours = "平日 9:00〜17:00（土・日・祝日、年末年始を除く）"'


def test_hours_as_spans_and_a_bare_phone_number() -> None:
    spans = """open = [
        { days = "平日", opens = "9:00", closes = "12:00" },
        { days = "平日", opens = "13:00", closes = "17:00" },
    ]
    closed = "年末年始" """
    text = TEXT.replace(_HOURS, spans, 1).replace('"03-0000-0001"', '"0300000001"')
    brand = read_scheme(text.encode()).brand_on(date(2025, 7, 15))
    assert brand is not None
    assert brand.agency.hours == "平日 9:00〜12:00・13:00〜17:00（年末年始を除く）"
    assert brand.agency.phone == "03-0000-0001"
    field = "brands.0.agency.hours"
    assert told(TEXT.replace(_HOURS, "", 1)) == [(field, "missing")]
    assert told(TEXT.replace(_HOURS, f"{_HOURS}\n{spans}", 1)) == [(field, "given_twice")]
    late = text.replace('closes = "12:00"', 'closes = "14:00"')
    assert told(late) == [("brands.0.agency.open", "bad_format")]


def with_fee(lines: str) -> str:
    return TEXT.replace("[[brands]]", f'[[fees]]\nkind = "operating_fee"\n{lines}\n[[brands]]')


def test_fees_of_a_kind_do_not_overlap() -> None:
    assert told(with_fee("yen = 300\nvalid_from = 2025-04-01")) == [
        ("fees.1.valid_from", "overlaps")
    ]
    assert told(with_fee("yen = 1\nvalid_from = 2023-04-01\nvalid_to = 2023-03-31")) == [
        ("fees.1.valid_to", "bad_order")
    ]
    earlier = with_fee("yen = 180\nvalid_from = 2023-04-01\nvalid_to = 2024-03-31")
    assert len(read_scheme(earlier.encode()).fees) == 2


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty_file"),
        (b"\xff", "bad_encoding"),
        (b"a =", "not_toml"),
        (b"a=1\na=2", "not_toml"),
    ],
)
def test_files_that_are_no_toml(raw: bytes, code: str) -> None:
    assert told(raw) == [("file", code)]


@given(st.integers(0, len(TEXT)), st.text(max_size=6))
def test_a_changed_file_gives_a_scheme_or_bad_input(at: int, put: str) -> None:
    changed = (TEXT[:at] + put + TEXT[at + len(put) :]).encode("utf-8", "replace")
    try:
        scheme = read_scheme(changed)
    except BadInput:
        return
    assert scheme.scheme == tomllib.loads(changed.decode())["scheme"]
