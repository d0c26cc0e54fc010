"""Postcodes against addresses, over every row that the post publishes."""

import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest

from notifier.model.member import PostalAddress
from notifier.postal.address import barcode_of
from notifier.postal.barcode import encode
from notifier.postal.numerals import spellings, to_kanji
from notifier.postal.postcodes import PostcodeProblem, check
from notifier.postal.towns import find
from tests.postal.record import Row, offices, towns

UNKNOWN = PostcodeProblem.UNKNOWN_POSTCODE
PREFECTURE = PostcodeProblem.PREFECTURE_DIFFERS
CITY = PostcodeProblem.CITY_DIFFERS
TOWN = PostcodeProblem.TOWN_DIFFERS
BLOCK = PostcodeProblem.BLOCK_DIFFERS


def address(told: str, building: str = "") -> PostalAddress:
    """From ``postcode prefecture city street``."""
    postcode, prefecture, city, street = told.split(maxsplit=3)
    return PostalAddress(
        postcode=postcode,
        prefecture="" if prefecture == "-" else prefecture,
        city="" if city == "-" else city,
        street=street,
        building=building,
    )


def problem(told: PostalAddress) -> PostcodeProblem | None:
    found = check(told)
    return found.problem if found else None


@pytest.mark.sweep
def test_every_town_agrees_and_is_split_off_before_numbers_are_read() -> None:
    rows = towns()
    assert len(rows) > 120_000
    differ, misread = [], []
    for row in rows:
        block = row.blocks[0] if row.blocks else 3
        told = row.address(f"{to_kanji(str(block))}丁目4-5", "ハイツ101")
        if check(told):
            differ.append(row)
        expected = encode(row.postcode, f"{block}-4-5-101")
        if row.town and not _has_numbers_of_the_part(row) and barcode_of(told) != expected:
            misread.append(row)
    assert differ == []
    assert misread == []


def _has_numbers_of_the_part(row: Row) -> bool:
    return "地割" in row.town + row.note or "−" in row.town


def test_a_town_that_is_parted_by_chome_agrees_only_with_its_own() -> None:
    rows = [row for row in towns() if row.blocks]
    assert len(rows) > 150
    for row in rows:
        own = {n for r in _rows_of(row.postcode) if r.town == row.town for n in r.blocks}
        judged = all(r.blocks for r in _rows_of(row.postcode) if r.town == row.town)
        for n in own:
            for written in (f"{n}丁目", f"{to_kanji(str(n))}丁目", f"{n}"):
                assert check(row.address(f"{written}1-1")) is None, (row, written)
        for n in {max(own) + 1, max(own) + 10, min(own) - 1} - {0} if judged else ():
            assert problem(row.address(f"{n}丁目1-1")) is BLOCK
            assert problem(row.address(f"{to_kanji(str(n))}丁目1番1号")) is BLOCK
            assert check(row.address(f"{n}-1-1")) is None  # it may be a 番地


@pytest.mark.sweep
def test_every_business_agrees_with_its_postcode() -> None:
    rows = offices()
    assert len(rows) > 20_000
    assert [row for row in rows if check(row.address())] == []


@pytest.mark.sweep
def test_a_wrong_town_of_the_right_city_differs() -> None:
    # Floors of high buildings apart: their neighbours share the town's name.
    chance = random.Random(20251001)
    rows = [row for row in towns() if row.street and "階" not in row.note]
    near: dict[tuple[str, str], list[Row]] = defaultdict(list)
    own: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        near[row.prefecture, row.city].append(row)
        own[row.postcode].add(row.town)
    seen: Counter[PostcodeProblem | None] = Counter()
    for row in chance.sample(rows, 20_000):
        other = chance.choice(near[row.prefecture, row.city])
        if other.town not in own[row.postcode]:
            seen[problem(other.address("1-1", postcode=row.postcode))] += 1
    assert seen.keys() <= {TOWN, None}
    assert seen[None] < seen[TOWN] / 400  # where one name begins with the other: 初富, 初富本町


@pytest.mark.sweep
def test_a_wrong_city_or_prefecture_always_differs() -> None:
    chance = random.Random(20251001)
    for _ in range(20_000):
        row, other = chance.choice(towns()), chance.choice(towns())
        if other.prefecture != row.prefecture:
            expected = {PREFECTURE}
        elif other.city != row.city:
            expected = {CITY}
        else:
            continue
        places = {(r.prefecture, r.city) for r in _rows_of(row.postcode)}
        if not any(prefecture == other.prefecture for prefecture, _ in places):
            expected = {PREFECTURE}
        elif (other.prefecture, other.city) not in places:
            expected = {CITY}
        else:
            continue
        assert {problem(other.address("1-1", postcode=row.postcode))} == expected


@cache
def _by_postcode() -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in towns():
        found[row.postcode].append(row)
    return found


def _rows_of(postcode: str) -> list[Row]:
    return _by_postcode()[postcode]


WAYS: dict[str, Callable[[str], str]] = {
    "ケ as ヶ": lambda t: t.replace("ケ", "ヶ"),
    "ケ as が": lambda t: t.replace("ケ", "が"),
    "ケ left out": lambda t: t.replace("ケ", ""),
    "の as ノ": lambda t: t.replace("の", "ノ"),
    "ノ as 之": lambda t: t.replace("ノ", "之"),
    "kana": lambda t: t.translate({n: chr(n + 0x60) for n in range(0x3041, 0x3097)}),
    "大字": lambda t: f"大字{t}",
    "字": lambda t: f"字{t}",
    "spaces": lambda t: "　".join(t) + " ",
    "half width": lambda t: unicodedata.normalize("NFKC", t),
    "decomposed": lambda t: unicodedata.normalize("NFD", t),
    "digits": lambda t: spellings(t)[-1],
    "kanji": lambda t: spellings(unicodedata.normalize("NFKC", t))[-1],
    "old forms": lambda t: t.translate(
        str.maketrans("沢竜辺高崎島浜広国桜滝", "澤龍邊髙﨑嶋濱廣國櫻瀧")
    ),
    "selectors": lambda t: "\U000e0100".join(t) + "\U000e0101",
}


@pytest.mark.parametrize("way", WAYS)
def test_another_spelling_agrees(way: str) -> None:
    chance = random.Random(way)
    for row in chance.sample(towns(), 3_000):
        told = row.address(street=f"{WAYS[way](row.street)}1-2", city=row.city)
        assert check(told) is None, told


AGREE = [
    "0283623 岩手県 紫波郡矢巾町 大字煙山第3地割14番地2",
    "0283623 岩手県 矢巾町 煙山第3地割14番地2",  # 郡 left out
    "0600906 北海道 札幌市 東区北6条東4丁目",  # the ward with the street
    "1000013 東京都 千代田区 霞ヶ関3-2-1",
    "1000013 東京都 千代田区 霞ケ関3-2-1",
    "1000013 東京 千代田区 霞関3-2-1",
    "1000013 - 千代田区 霞が関3-2-1",
    "1000013 東京都 - 千代田区霞が関3-2-1",
    "6040925 京都府 京都市中京区 寺町通御池上る上本能寺前町488",
    "6040925 - 京都市中京区 上本能寺前町488",
    "1631390 東京都 新宿区 西新宿六丁目5番1号",  # a floor of a high building
    "1001401 東京都 八丈町 大賀郷2551-2",  # on its island
    "4980000 愛知県 弥富市 どこか1",  # one postcode, two prefectures
    "4980000 三重県 桑名郡木曽岬町 どこか1",
    "0600042 北海道 札幌市中央区 大通西十九丁目1-1",  # １～１９丁目
    "0600042 北海道 札幌市中央区 大通西20-1",  # not told as 丁目
    "0640820 北海道 札幌市中央区 大通西２０丁目1-1",
    "1690052 東京都 新宿区 戸山1丁目1-1",  # ３丁目１８・２１番: parted by blocks
    "1000000 東京都 千代田区 どこか1-1",  # 以下に掲載がない場合
    "1000301 東京都 利島村 248",
    "9808691 宮城県 仙台市青葉区 仙台中央郵便局私書箱第215号",
    "1008792 東京都 千代田区 大手町2-3-1",  # a business
]
DIFFER = [
    ("0000000 東京都 千代田区 霞が関3-2-1", UNKNOWN),
    ("9999999 東京都 千代田区 霞が関3-2-1", UNKNOWN),
    ("9808691 宮城県 仙台市青葉区 本町1-1", UNKNOWN),  # names no box
    ("1000013 大阪府 千代田区 霞が関3-2-1", PREFECTURE),
    ("1000013 京都府 京都市中京区 上本能寺前町488", PREFECTURE),
    ("1000013 東京都 中央区 霞が関3-2-1", CITY),
    ("1000013 東京都 千代田区 永田町1-1", TOWN),
    ("1000013 東京都 千代田区 千代田1-1", TOWN),
    ("4980000 愛知県 名古屋市中区 錦1", CITY),
    ("0283623 岩手県 紫波郡矢巾町 又兵エ新田1", TOWN),
    ("1008792 東京都 千代田区 丸の内2-3-1", TOWN),
    ("0600042 北海道 札幌市中央区 大通西20丁目1-1", BLOCK),
    ("0600042 北海道 札幌市中央区 大通西二十丁目1-1", BLOCK),
    ("0640820 北海道 札幌市中央区 大通西19丁目1-1", BLOCK),
    ("1000000 東京都 中央区 どこか1-1", CITY),
]


@pytest.mark.parametrize("told", AGREE)
def test_agrees(told: str) -> None:
    assert problem(address(told)) is None


@pytest.mark.parametrize(("told", "expected"), DIFFER)
def test_differs(told: str, expected: PostcodeProblem) -> None:
    assert problem(address(told)) is expected


def test_a_finding_says_what_the_postcode_stands_for() -> None:
    found = check(address("4980000 東京都 千代田区 霞が関3-2-1"))
    assert found is not None
    assert found.postcode == "4980000"
    assert set(found.places) == {"愛知県弥富市", "三重県桑名郡木曽岬町"}


@pytest.mark.parametrize(
    "postcode", ["", "100-0013", "１０００００１", "100001", "1000013\n", "x' OR 1"]
)
def test_what_is_no_postcode_is_unknown(postcode: str) -> None:
    told = PostalAddress(postcode=postcode, prefecture="", city="", street="私書箱1")
    assert problem(told) is UNKNOWN
    assert barcode_of(told) is None


def test_representative_postcodes_carry_no_barcode() -> None:
    rows = [row for row in towns() if row.note == "以下に掲載がない場合"]
    assert len(rows) > 1_800
    assert not any(barcode_of(row.address("1-1")) for row in rows)


def test_the_postcode_of_a_business_goes_alone() -> None:
    told = address("1008792 東京都 千代田区 大手町2-3-1", "大手町プレイス10F")
    assert barcode_of(told) == encode("1008792", "")


@pytest.mark.parametrize(
    ("street", "number"),
    [("私書箱第215号", "215"), ("私書箱２１５", "215"), ("私書函第二百十五号", "215")],
)
def test_a_box_under_a_shared_postcode(street: str, number: str) -> None:
    told = address(f"9808691 宮城県 仙台市青葉区 本町郵便局{street}")
    assert barcode_of(told) == encode("9808691", number)


def test_in_kyoto_the_town_stands_after_the_streets() -> None:
    told = address("6040925 京都府 京都市中京区 寺町通御池上る二丁目上本能寺前町488", "301号")
    assert barcode_of(told) == encode("6040925", "488-301")


def test_a_floor_with_a_postcode_of_its_own() -> None:
    told = address("1631390 東京都 新宿区 西新宿六丁目5番1号", "新宿アイランドタワー20F")
    assert barcode_of(told) == encode("1631390", "6-5-1-20")


def test_the_former_name_of_a_city_does_not_hide_the_town() -> None:
    told = address("0600906 北海道 旧札幌市 北六条東4丁目")
    assert problem(told) is CITY
    assert barcode_of(told) == encode("0600906", "4")


def test_an_unknown_postcode_carries_no_barcode() -> None:
    assert barcode_of(address("9999999 東京都 千代田区 霞が関3-2-1")) is None


def test_threads_read_the_record_together() -> None:
    codes = [row.postcode for row in random.Random(1).sample(towns(), 4_000)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(find, codes))
    assert [code for code, entry in zip(codes, found, strict=True) if entry is None] == []
