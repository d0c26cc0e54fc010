"""What is read from an address, rule by rule."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.postal.extraction import address_part
from notifier.postal.numerals import spellings, to_digits, to_kanji

WIDTH_AND_DASHES = [
    ("３丁目３０－８", "3-30-8"),
    ("３−３０‐８", "3-30-8"),
    *((f"3{dash}30{dash}8", "3-30-8") for dash in "-‐‑‒–—―−ー－ｰ─━〜～~_"),
    ("3--30－ー8", "3-30-8"),
    ("　3\t30 8　", "3-30-8"),
    ("Ｂ１０１", "B101"),
    ("ｂ－１０１", "B101"),
]
NUMERALS = [
    ("十一丁目六番地一号", "11-6-1"),
    ("四丁六番十九号", "4-6-19"),
    ("二十丁目", "20"),
    ("百一番地", "101"),
    ("百二十三番地四", "123"),  # only before the named words is 四 a number
    ("千二百三十四番地の五", "1234"),
    ("一二三四番地五六号", "1234-56"),
    ("一〇三号室", "103"),
    ("一○三号室", "103"),
    ("二百五号", "205"),
    ("第二十一地割大淵川480", "21-480"),
    ("七線西28", "7-28"),
    ("五の3", "5-3"),
    ("五ノ3", "5-3"),
    ("五ﾉ3", "5-3"),
    ("三之4", "4"),
    ("弐丁目参番拾号", "2-3-10"),
    ("一番館二号棟", "1-2"),
    ("八雲マンション12", "12"),
    ("六本木ハイツ3", "3"),
    ("三條通5", "5"),
    ("⼀丁目⼆番", "1-2"),  # Kangxi radicals
    ("二\U000e0101丁目三\ufe00番", "2-3"),  # variation selectors
    ("4一6", "4-6"),  # a dash in disguise
]
LETTERS = [
    ("綾部6-7　LプラザB106", "6-7LB106"),
    ("7-6　郵便シティA棟1F1号", "7-6A1-1"),
    ("80-25　J1ビル2-B", "80-25J1-2B"),
    ("東3丁目-20-5　郵便・A&bコーポB604号", "3-20-5B604"),
    ("5-6-3　ABCビル10F", "5-6-3-10"),
    ("1-2 Palace Heights 3", "1-2-3"),
    ("1-2 Ａ＆Ｂビル3", "1-2-3"),  # AB is a word
    ("1-2 A・B3", "1-2-3"),
    ("1-2 A･B3", "1-2-3"),
    ("1-2 A/B3", "1-2-3"),
    ("1-2 A.B.3", "1-2-3"),
    ("1-2 A B3", "1-2AB3"),
    ("1-2 A-B-3", "1-2AB3"),
    ("1.5", "15"),
    ("1/2", "12"),
    ("A", "A"),
    ("-A-", "A"),
    ("甲1-A", "1A"),
]
FLOORS = [
    ("1-2 ビル3F", "1-2-3"),
    ("1-2 ビル３ｆ", "1-2-3"),
    ("1-2 ビル3階", "1-2-3"),
    ("1-2 ビルB1F", "1-2B1"),
    ("1-2 F3", "1-2F3"),
    ("1-2-F", "1-2F"),
    ("1-2 3FB", "1-2-3"),  # FB is a word
    ("1-2 3F4F5", "1-2-3-4-5"),
    ("1-2 10F-A", "1-2-10A"),
]
NOTHING = [
    ("", ""),
    ("字なし", ""),
    ("-", ""),
    ("無番地", ""),
    ("ABC", ""),
    ("ß ı ſ ﬁ", ""),
    ("٣５", "5"),
]


@pytest.mark.parametrize(
    ("text", "part"), [*WIDTH_AND_DASHES, *NUMERALS, *LETTERS, *FLOORS, *NOTHING]
)
def test_rules(text: str, part: str) -> None:
    assert address_part(text) == part


@given(st.text())
def test_any_text_has_a_part_of_the_right_form(text: str) -> None:
    part = address_part(text)
    assert re.fullmatch("[0-9A-Z]*(-[0-9A-Z]+)*", part)
    assert not re.search("-[A-Z]|[A-Z]-", part)


@given(st.lists(st.integers(1, 9999), min_size=1, max_size=5))
def test_kanji_and_digits_say_the_same(numbers: list[int]) -> None:
    words = ["丁目", "番地", "号", "地割", "線"]
    pairs = list(zip(numbers, words, strict=False))
    kanji = "".join(to_kanji(str(number)) + word for number, word in pairs)
    digits = "".join(f"{number}{word}" for number, word in pairs)
    assert address_part(kanji) == address_part(digits) == "-".join(map(str, numbers))


@given(st.integers(0, 9999))
def test_numerals_go_both_ways(number: int) -> None:
    assert to_digits(to_kanji(str(number))) == str(number)


@pytest.mark.parametrize(
    ("kanji", "digits"),
    [("一万二千", "12000"), ("百", "100"), ("〇五", "05"), ("二三十", "230"), ("万", "0")],
)
def test_unusual_numerals(kanji: str, digits: str) -> None:
    assert to_digits(kanji) == digits


def test_spellings() -> None:
    assert spellings("北6条東") == ("北6条東", "北六条東")
    assert spellings("北六条東") == ("北六条東", "北6条東")
    assert spellings("緑町") == ("緑町",)
