"""Where in an address the post's places are found, however it is written."""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from notifier.model.member import PostalAddress

from .characters import after, fold
from .numerals import NUMERAL, to_digits
from .towns import Entry, Place

_BLOCK: Final = re.compile(f"({NUMERAL}|[0-9]{{1,4}})丁目")
_NUMERAL: Final = re.compile(f"{NUMERAL}|[0-9]")
_KYOTO: Final = "京都市"  # streets stand before the town: 寺町通御池上る上本能寺前町


class Depth(IntEnum):
    """How far an address agrees with a place."""

    NOTHING = 0
    PREFECTURE = 1
    CITY = 2
    TOWN = 3  # and another 丁目 is named
    ALL = 4


@dataclass(frozen=True, slots=True)
class Match:
    """How far an address agrees with the best of some places."""

    depth: Depth
    read: int = 0  # folded characters of prefecture, city and street up to the end of the town


def text_of(address: PostalAddress) -> str:
    """Prefecture, city and street in one, because people divide them in different ways."""
    return f"{address.prefecture}{address.city}{address.street}"


def match(address: PostalAddress, entry: Entry) -> Match:
    """The deepest match of all places of a postcode; of two as deep the longer."""
    text = fold(text_of(address))
    best = max((_match(text, place) for place in entry.places), key=_rank)
    if best.depth >= Depth.CITY:
        return best
    # A city of another name (merged, or wrong) does not hide where the street begins.
    street = len(fold(f"{address.prefecture}{address.city}"))
    towns = (_match_town(text, place, street) for place in entry.places)
    return Match(best.depth, max(towns, key=_rank).read)


def rest(address: PostalAddress, found: Match) -> str:
    """What follows the town, building included: the part that the barcode speaks of."""
    return f"{after(text_of(address), found.read)} {address.building}"


def _rank(found: Match) -> tuple[Depth, int]:
    return found.depth, found.read


def _match(text: str, place: Place) -> Match:
    starts = _after_prefecture(text, place.folded_prefecture)
    for start in starts:
        for city in place.folded_cities:
            if text.startswith(city, start):
                return _match_town(text, place, start + len(city))
    return Match(Depth.PREFECTURE if starts[0] else Depth.NOTHING)


def _after_prefecture(text: str, prefecture: str) -> tuple[int, ...]:
    # 東京 is as good as 東京都, and nothing as good as either, if the city is right.
    if text.startswith(prefecture):
        return (len(prefecture),)
    short = prefecture[:-1]
    return (len(short), 0) if text.startswith(short) else (0,)


def _match_town(text: str, place: Place, start: int) -> Match:
    for town in place.folded_towns:
        if text.startswith(town, start) and not _counts_on(text, start + len(town)):
            end = start + len(town)
            return Match(Depth.TOWN if _other_block(text, end, place, town) else Depth.ALL, end)
        if place.city.startswith(_KYOTO) and (at := text.find(town, start)) >= 0:
            return Match(Depth.ALL, at + len(town))
    for ground in place.grounds:
        # 西新宿新宿アイランドタワー is written 西新宿6-5-1 新宿アイランドタワー, or otherwise.
        if text.startswith(ground, start) and not _counts_on(text, start + len(ground)):
            return Match(Depth.ALL, start + len(ground))
    return Match(Depth.ALL if place.whole else Depth.CITY, start)


def _other_block(text: str, end: int, place: Place, town: str) -> bool:
    """Whether a 丁目 is written out that is none of the town's part with this postcode.

    20-1 may be a 番地, too: it is not judged.
    """
    written = _BLOCK.match(text, end) if town in place.blocks else None
    if written is None:
        return False
    number = written[1]
    return int(number if number.isascii() else to_digits(number)) not in place.blocks[town]


def _counts_on(text: str, end: int) -> bool:
    # 本江三丁目 is in 本江, not in 本江三, a town of the same postcode.
    return text.startswith("丁目", end) and bool(_NUMERAL.fullmatch(text[end - 1]))
