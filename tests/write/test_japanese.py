from datetime import date

import pytest

from notifier.write import japanese


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


def test_dialled() -> None:
    assert japanese.dialled("03-0000-0000") == "0300000000"
    assert japanese.dialled("お近くの窓口") == ""
