from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering.text import japanese
from notifier.rendering.text.japanese import Open


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0円"), (200, "200円"), (3430, "3,430円"), (99_999_999, "99,999,999円")],
)
def test_yen(amount: int, text: str) -> None:
    assert japanese.yen(amount) == text


@pytest.mark.parametrize("amount", [True, "200", 2.5])
def test_only_whole_yen(amount: object) -> None:
    with pytest.raises(ValueError, match="whole"):
        japanese.yen(amount)  # type: ignore[arg-type]


def test_numbers() -> None:
    assert [japanese.number(n) for n in (0, 999, 1854)] == ["0", "999", "1,854"]


def test_dates() -> None:
    assert japanese.long_date(date(2025, 8, 14)) == "2025年8月14日（木）"
    assert japanese.plain_date(date(2025, 8, 14)) == "2025年8月14日"


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2025, 8, 14), "令和7年8月14日"),
        (date(2019, 5, 1), "令和元年5月1日"),
        (date(2019, 4, 30), "平成31年4月30日"),
        (date(1989, 1, 8), "平成元年1月8日"),
        (date(1989, 1, 7), "昭和64年1月7日"),
    ],
)
def test_wareki(day: date, text: str) -> None:
    assert japanese.wareki(day) == text


def test_wareki_has_a_beginning() -> None:
    with pytest.raises(ValueError, match="no era"):
        japanese.wareki(date(1926, 12, 24))


@pytest.mark.parametrize("digits", ["1000001", "100-0001"])
def test_postcode(digits: str) -> None:
    assert japanese.postcode(digits) == "〒100-0001"


@pytest.mark.parametrize("digits", ["", "12345", "１０００００１"])
def test_bad_postcode(digits: str) -> None:
    with pytest.raises(ValueError, match="seven digits"):
        japanese.postcode(digits)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("0300000000", "03-0000-0000"),
        ("0600000000", "06-0000-0000"),
        ("0120000000", "0120-000-000"),
        ("08000000000", "0800-000-0000"),
        ("0570000000", "0570-000-000"),
        ("09000000000", "090-0000-0000"),
        ("05000000000", "050-0000-0000"),
        ("０１２０－０００－０００", "0120-000-000"),
        ("03(0000)0000", "03-0000-0000"),
        ("（03）0000−0000", "03-0000-0000"),
        ("+81 3-0000-0000", "03-0000-0000"),
        ("+81(0)90 0000 0000", "090-0000-0000"),
        ("0123-00-0000", "0123-00-0000"),
        ("0123(00)0000", "0123-00-0000"),
        # Nothing is guessed: how long the area code is cannot be seen.
        ("0123000000", "0123000000"),
        ("03-0000-0000（内線12）", "03-0000-0000（内線12）"),
        ("110", "110"),
        ("+1 555-0100", "+1 555-0100"),
        ("お近くの窓口", "お近くの窓口"),
        ("", ""),
    ],
)
def test_phone(written: str, text: str) -> None:
    assert japanese.phone(written) == text


@given(st.text("0123456789()-+ ０－窓口", max_size=16))
def test_a_phone_number_keeps_its_digits(text: str) -> None:
    once = japanese.phone(text)
    assert japanese.phone(once) == once
    if not text.startswith("+"):
        assert japanese.dialled(once) == japanese.dialled(text)


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        ("03-0000-0000", "0300000000"),
        ("0120-000-000（内線12）", "0120000000"),
        ("０１２０－０００－０００", "0120000000"),
        ("+81 3-0000-0000", "0300000000"),
        ("お電話 03-0000-0000、06-0000-0000", "0300000000"),
        ("お近くの窓口", ""),
        ("110", ""),
    ],
)
def test_dialled(written: str, digits: str) -> None:
    assert japanese.dialled(written) == digits


def _span(days: str, opens: int, closes: int) -> Open:
    return Open(days, time(opens), time(closes, 30))


def test_hours() -> None:
    assert japanese.hours([Open("平日", time(9), time(17))]) == "平日 9:00〜17:00"
    several = [_span("平日", 9, 11), _span("平日", 13, 16), _span("土曜日", 10, 11)]
    text = "平日 9:00〜11:30・13:00〜16:30、土曜日 10:00〜11:30"
    assert japanese.hours(several) == text
    assert japanese.hours(several, "祝日・年末年始") == f"{text}（祝日・年末年始を除く）"
    assert japanese.hours([], "祝日") == ""


@pytest.mark.parametrize("spans", [[(17, 9)], [(9, 12), (11, 17)], [(13, 16), (9, 11)]])
def test_hours_that_cannot_be(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="follow one another"):
        japanese.hours([_span("平日", *span) for span in spans])


@pytest.mark.parametrize(
    ("name", "honorific", "text"),
    [
        ("見本 花子", "様", "見本 花子 様"),
        ("見本職能協会", "御中", "見本職能協会 御中"),
        ("見本 太郎", "殿", "見本 太郎 殿"),
        ("会員各位", "", "会員各位"),
    ],
)
def test_addressee(name: str, honorific: str, text: str) -> None:
    assert japanese.addressee(name, honorific) == text
