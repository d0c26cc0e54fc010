"""The words and limits that the rules go by: data, in ``wordlists.toml``."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Limit:
    """From where on a figure is worth a look, and from where on it is too much."""

    warning: float
    error: float


@dataclass(frozen=True, slots=True)
class Wordlists:
    """All of them."""

    seasonal: re.Pattern[str]
    abrupt: re.Pattern[str]
    promotion: re.Pattern[str]
    plural: re.Pattern[str]
    apologies: tuple[str, ...]
    pairs: tuple[tuple[str, tuple[str, ...]], ...]  # opening → closings that go with it
    leak_steps: tuple[str, ...]
    leak_items: tuple[str, ...]
    subject: Limit
    reading: dict[str, Limit]
    doubled: re.Pattern[str]
    negations: re.Pattern[str]
    passive: re.Pattern[str]
    contradictions: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    asked_by_mail: re.Pattern[str]
    verb: re.Pattern[str]  # its group is ``past`` or ``to_come``
    named_by_date: re.Pattern[str]  # behind a date that only names something
    given_below: re.Pattern[str]
    time_label: re.Pattern[str]
    odd: tuple[tuple[str, re.Pattern[str], str], ...]  # (name, characters, severity)


@lru_cache(maxsize=1)
def wordlists() -> Wordlists:
    """The lists, read once."""
    table = tomllib.loads(files(__package__).joinpath("wordlists.toml").read_text("utf-8"))
    tone, reading, tense = table["tone"], table["reading"], table["tense"]
    pairs = table["contradictions"]["pairs"]
    return Wordlists(
        seasonal=_any(tone["seasonal"]),
        abrupt=_any(tone["abrupt"]),
        promotion=_any(tone["promotion"]),
        plural=_any(tone["plural"]),
        apologies=tuple(tone["apologies"]),
        pairs=tuple((pair[0], tuple(pair[1:])) for pair in tone["pairs"]),
        leak_steps=tuple(table["leak"]["steps"]),
        leak_items=tuple(table["leak"]["items"]),
        subject=Limit(**table["subject"]),
        reading={name: Limit(**limit) for name, limit in reading["limits"].items()},
        doubled=re.compile("|".join(reading["doubled"])),
        negations=re.compile("|".join(reading["negations"])),
        passive=re.compile(reading["passive"]),
        contradictions=tuple((re.compile(one), re.compile(other)) for one, other in pairs),
        asked_by_mail=re.compile(table["asked_by_mail"]["sentence"]),
        verb=re.compile(f"(?P<past>{tense['past']})|(?P<to_come>{tense['to_come']})"),
        named_by_date=re.compile(tense["named_by_date"]),
        given_below=re.compile(tense["given_below"]),
        time_label=re.compile(tense["time_label"]),
        odd=tuple(_odd(one) for one in table["odd"]),
    )


def _any(words: list[str]) -> re.Pattern[str]:
    """Any of the words, the longest first, with or without spaces between their characters."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile("|".join(r"[ \u3000]*".join(map(re.escape, word)) for word in ordered))


def _odd(one: dict[str, Any]) -> tuple[str, re.Pattern[str], str]:
    return one["name"], re.compile(f"[{one['characters']}]"), one["severity"]
