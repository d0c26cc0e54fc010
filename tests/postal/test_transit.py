"""How long the post takes: the table, and what must hold of any of its kind."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.member import PostalAddress
from notifier.postal.transit import days, read_timetables, regions, timetables

DAY = date(2025, 7, 16)
PREFECTURES = sorted(regions())


def at(prefecture: str, city: str = "青葉市") -> PostalAddress:
    return PostalAddress(postcode="1000001", prefecture=prefecture, city=city, street="1-1")


def test_every_prefecture_has_one_region() -> None:
    assert len(PREFECTURES) == 47


@pytest.mark.parametrize(
    ("prefecture", "city", "expected"),
    [
        ("東京都", "千代田区", 2),
        ("山梨県", "甲府市", 2),
        ("大阪府", "大阪市北区", 3),
        ("北海道", "札幌市中央区", 4),
        ("福岡県", "福岡市博多区", 4),
        ("沖縄県", "那覇市", 4),
        ("東京都", "小笠原村父島", 8),
        ("沖縄県", "石垣市", 8),
        ("どこか", "", 4),
    ],
)
def test_from_tokyo(prefecture: str, city: str, expected: int) -> None:
    assert days(DAY, "東京都", at(prefecture, city)) == expected


def test_before_the_first_timetable_it_took_no_longer() -> None:
    assert days(date(2019, 10, 1), "東京都", at("大阪府")) == 3


@given(st.sampled_from(PREFECTURES), st.sampled_from(PREFECTURES))
def test_it_takes_as_long_there_as_back(here: str, there: str) -> None:
    assert days(DAY, here, at(there)) == days(DAY, there, at(here))
    assert days(DAY, here, at(here)) <= days(DAY, here, at(there))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("near = 2", "near = 9"), "no fewer days"),
        (("far = 3", "far = 1"), "no fewer days"),
        (("remote = 4", "remote = 2"), "no fewer days"),
    ],
)
def test_a_table_that_contradicts_itself_is_refused(change: tuple[str, str], message: str) -> None:
    from importlib.resources import files

    text = files("notifier.postal").joinpath("transit.toml").read_text("utf-8")
    assert change[0] in text
    with pytest.raises(ValueError, match=message):
        read_timetables(text.replace(*change))
    with pytest.raises(ValueError, match="two timetables"):
        read_timetables(text + text[text.index("[[timetables]]") :])
    assert timetables() == read_timetables(text)
