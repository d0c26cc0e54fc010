"""Transit: how many days the post takes, by timetables with dates (``transit.toml``)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from notifier.model.member import PostalAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """Days on the way from a day on; each a day on which letters are delivered."""

    valid_from: date
    near: int  # within a region
    far: int
    remote: int  # to or from :attr:`remote_regions`
    remote_regions: frozenset[str]
    island: int
    islands: tuple[str, ...]  # how their addresses begin


def days(posted_on: date, prefecture: str, to: PostalAddress) -> int:
    """Delivery days from the day of posting in ``prefecture`` to the day of delivery, at most.

    An address whose prefecture is none is as far as can be.
    """
    table = _timetable_on(posted_on)
    if f"{to.prefecture}{to.city}".startswith(table.islands):
        return table.island
    here, there = regions().get(prefecture), regions().get(to.prefecture)
    if here is None or there is None:
        return table.remote
    if here == there:
        return table.near
    return table.remote if table.remote_regions & {here, there} else table.far


def _timetable_on(day: date) -> Timetable:
    first, *others = timetables()
    # Before the first one the post was faster.
    return next((t for t in reversed(others) if t.valid_from <= day), first)


@cache
def timetables() -> tuple[Timetable, ...]:
    """All timetables, the oldest first."""
    return read_timetables(_source())


@cache
def regions() -> Mapping[str, str]:
    """Prefecture → region."""
    named: Mapping[str, list[str]] = tomllib.loads(_source())["regions"]
    return {prefecture: region for region, all_of in named.items() for prefecture in all_of}


@cache
def _source() -> str:
    return files("notifier.postal").joinpath("transit.toml").read_text("utf-8")


def read_timetables(text: str) -> tuple[Timetable, ...]:
    """Timetables from the text of their file. Raises ValueError on one that contradicts itself."""
    found = sorted(map(_timetable, tomllib.loads(text)["timetables"]), key=lambda t: t.valid_from)
    if len({table.valid_from for table in found}) < len(found):
        raise ValueError("two timetables begin on one day")
    return tuple(found)


def _timetable(entry: Mapping[str, Any]) -> Timetable:
    islands = entry["islands"]
    table = Timetable(
        valid_from=entry["valid_from"],
        near=entry["near"],
        far=entry["far"],
        remote=entry["remote"],
        remote_regions=frozenset(entry["remote_regions"]),
        island=islands["days"],
        islands=tuple(islands["places"]),
    )
    if not 1 <= table.near <= table.far <= table.remote <= table.island:
        raise ValueError(f"{table.valid_from}: what is farther away takes no fewer days")
    return table
