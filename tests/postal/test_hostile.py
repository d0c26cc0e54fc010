"""Addresses that somebody made to break things: every one gets an answer, none an exception."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.member import PostalAddress
from notifier.postal.address import barcode_of
from notifier.postal.barcode import encode
from notifier.postal.characters import after, fold
from notifier.postal.postcodes import check

IVS = "\U000e0100"
anything = st.text(
    st.one_of(
        st.characters(),  # surrogate halves among them
        st.sampled_from(f"一二三十百千万〇○0189AFZafz-ー丁目番地号のノ大字ケヶ{IVS}\u200b\u3099"),
    ),
    max_size=60,
)


def address(street: str, building: str = "") -> PostalAddress:
    return PostalAddress(
        postcode="1000013",
        prefecture="東京都",
        city="千代田区",
        street=street,
        building=building,
    )


@given(anything, anything, anything, anything)
def test_any_text_is_answered(prefecture: str, city: str, street: str, building: str) -> None:
    told = PostalAddress(
        postcode="1000013", prefecture=prefecture, city=city, street=street, building=building
    )
    barcode = barcode_of(told)
    assert barcode is not None
    assert len(barcode.bars) == 67
    check(told)


@given(anything)
def test_any_postcode_is_answered(postcode: str) -> None:
    told = PostalAddress(postcode=postcode, prefecture="東京都", city="千代田区", street="1")
    assert check(told) is not None
    assert barcode_of(told) is None


@given(anything)
def test_folding_twice_changes_nothing(text: str) -> None:
    # No variant leads to another, and nothing that is dropped comes back.
    assert fold(fold(text)) == fold(text)


@given(anything, anything)
def test_what_was_read_and_what_follows_make_the_whole(first: str, rest: str) -> None:
    text = first + rest
    read = len(fold(first)) if not first.endswith("大") else 0
    assert fold(after(text, read)) == fold(text)[read:]


@pytest.mark.parametrize(
    "street",
    [
        f"霞{IVS}が関{IVS}三{IVS}丁{IVS}目2番\u200b1号",
        "霞が関3丁目2番1号\x00",
        "\x1b霞が関3丁目\x072番\r\n1号",
        "霞が\u2060関\u202e3丁目2番1号\ufeff",
        "霞か\u3099関三丁目二番一号",
        "霞が関3丁目2番1号\ud800",
    ],
)
def test_what_nobody_sees_changes_nothing(street: str) -> None:
    assert barcode_of(address(street)) == encode("1000013", "3-2-1")
    assert check(address(street)) is None


@pytest.mark.parametrize(
    "text", ["一", "百", "1", "A", "-", "の", "大字", "F", IVS, "1F", "A-", "\ud800", "１", "丁目"]
)
def test_very_long_text_is_answered(text: str) -> None:
    # Work that grows with the square of the length would run into the limit of time.
    told = address("霞が関" + text * 200_000, text * 200_000)
    assert barcode_of(told) is not None
    assert check(told) is None
