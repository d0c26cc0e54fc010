"""Whether a postcode exists and agrees with its address."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from notifier.model.member import PostalAddress

from . import boxes
from .matching import Depth, match
from .towns import Entry, find

_NAMED: Final = 3


class PostcodeProblem(StrEnum):
    """What does not agree: the first of these that differs."""

    UNKNOWN_POSTCODE = "unknown_postcode"
    PREFECTURE_DIFFERS = "prefecture_differs"
    CITY_DIFFERS = "city_differs"
    TOWN_DIFFERS = "town_differs"
    BLOCK_DIFFERS = "block_differs"  # 丁目


@dataclass(frozen=True, slots=True)
class PostcodeFinding:
    """Why a person should look at an address; it is never rewritten."""

    problem: PostcodeProblem
    postcode: str
    places: tuple[str, ...] = ()  # up to three places that the postcode stands for


_PROBLEMS: Final = {
    Depth.NOTHING: PostcodeProblem.PREFECTURE_DIFFERS,
    Depth.PREFECTURE: PostcodeProblem.CITY_DIFFERS,
    Depth.CITY: PostcodeProblem.TOWN_DIFFERS,
    Depth.TOWN: PostcodeProblem.BLOCK_DIFFERS,
}


def check(address: PostalAddress) -> PostcodeFinding | None:
    """What does not agree between postcode and address; None if nothing.

    A postcode may stand for places in several prefectures, cities and towns: any of them will do.
    Spelling is folded for the comparison (``characters.fold``, ``numerals.spellings``). A
    representative postcode agrees with any town of its city. Where the post parts a town by 丁目
    (大通西 1 to 19), one that is written out has to be among them; parts by block are not looked
    at. A business's postcode that is younger than the record is unknown: a person decides. The
    shared postcodes of post-office boxes are in no record; they pass if the address names a box.
    """
    entry = find(address.postcode)
    if entry is None:
        if boxes.number_of(address):
            return None
        return PostcodeFinding(PostcodeProblem.UNKNOWN_POSTCODE, address.postcode)
    problem = _PROBLEMS.get(match(address, entry).depth)
    return PostcodeFinding(problem, address.postcode, _names(entry)) if problem else None


def _names(entry: Entry) -> tuple[str, ...]:
    return tuple(name for place in entry.places for name in place.names)[:_NAMED]
