"""Destinations: where an address leads to, and how much may be sent there at once."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from notifier.model.relay import Relay

_FILE: Final = "destinations.toml"
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DOMAIN: Final = re.compile(r"(?:[a-z0-9][a-z0-9-]{0,62}\.)+[a-z0-9-]{2,63}")
_LISTS: Final = ("domains", "suffixes")


class BadDestinations(Exception):
    """A file of destinations cannot be used; the text names the file and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a destination takes, from all workers together."""

    connections: int  # transmissions at once
    rate_per_minute: float  # messages begun in a minute
    most_messages: int  # over one connection
    burst: int  # messages that may begin at once after a quiet while


@dataclass(frozen=True, slots=True)
class Destination:
    """A group of domains with limits in common; or a domain of which nothing is known."""

    name: str  # of the group, without a dot; of anybody else the domain; of a relay its label
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Destinations:
    """All destinations that are known, and the limits of all others."""

    defaults: Limits
    known: Mapping[str, Destination]  # by name
    exact: Mapping[str, str]  # domain → name
    below: Mapping[str, str]  # domain, with all below it → name

    def of(self, address: str) -> Destination:
        """Where an address leads to. Never fails: what is no address is a place of its own."""
        return self.of_domain(address.rpartition("@")[2])

    def of_domain(self, domain: str) -> Destination:
        """The destination of a domain: the exact one, else by the longest suffix."""
        plain = domain.lower().rstrip(".")
        name = self.exact.get(plain) or self._by_suffix(plain)
        return self.known[name] if name else Destination(plain, self.defaults)

    def _by_suffix(self, domain: str) -> str | None:
        return next((self.below[d] for d in _and_above(domain) if d in self.below), None)


def _and_above(domain: str) -> Iterator[str]:
    """A domain and those above it, the longest first."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def as_destination(relay: Relay) -> Destination | None:
    """A relay as a whole, in the terms of a destination; None if nothing limits it."""
    if relay.rate_per_minute is None:
        return None
    return Destination(
        relay.label,
        Limits(
            connections=relay.connections,
            rate_per_minute=relay.rate_per_minute,
            most_messages=relay.most_messages,
            burst=min(relay.connections, 1 + int(relay.rate_per_minute / 60)),
        ),
    )


@cache
def shipped() -> Destinations:
    """The destinations that come with the engine."""
    text = files("notifier.delivery").joinpath(_FILE).read_text("utf-8")
    return _Reader(_FILE, text, None).destinations()


def read_destinations(path: Path) -> Destinations:
    """An operator's file over those that come with the engine.

    The file has the form of ``destinations.toml`` and says only what differs: a key of
    ``[defaults]`` or of a known destination, or a destination of its own, whose limits are the
    defaults where it gives none. A domain that it lists moves there. Raises
    :class:`BadDestinations`, which names file and key.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDestinations(f"{path}: {error}") from None
    return _Reader(str(path), text, shipped()).destinations()


class _Reader:
    def __init__(self, file: str, text: str, base: Destinations | None) -> None:
        self._file, self._base = file, base
        try:
            self._table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise BadDestinations(f"{file}: {error}") from None

    def destinations(self) -> Destinations:
        base = self._base
        self._only(self._table, "", ("defaults", "destinations"))
        defaults = self._limits("defaults", base.defaults if base else None)
        known = dict(base.known) if base else {}
        entries = self._section("destinations", self._table)
        for name in entries:
            known[name] = self._one(name, known.get(name), defaults)
        exact, below = (self._listed(entries, kind) for kind in _LISTS)
        if base:
            exact = self._kept(base.exact, entries, "domains", below) | exact
            below = self._kept(base.below, entries, "suffixes", {}) | below
        return Destinations(defaults=defaults, known=known, exact=exact, below=below)

    def _one(self, name: str, known: Destination | None, defaults: Limits) -> Destination:
        key = f"destinations.{name}"
        if not _NAME.fullmatch(name):
            raise self._bad(key, "is not a name in lower case")
        limits = self._limits(key, known.limits if known else defaults, *_LISTS)
        if known is None and not any(self._at(key).get(kind) for kind in _LISTS):
            raise self._bad(key, "is not known, and lists no domains or suffixes")
        return Destination(name, limits)

    def _limits(self, key: str, base: Limits | None, *others: str) -> Limits:
        table = self._at(key)
        names = [one.name for one in fields(Limits)]
        self._only(table, f"{key}.", (*names, *others))
        given = {n: self._number(f"{key}.{n}", n, table[n]) for n in names if n in table}
        if base is not None:
            return replace(base, **given)
        for name in names:
            if name not in given:
                raise self._bad(f"{key}.{name}", "is missing")
        return Limits(**given)

    def _number(self, key: str, name: str, value: object) -> Any:
        whole = name != "rate_per_minute"
        kinds = int if whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, kinds) or not 0 < value < 1_000_000:
            raise self._bad(key, f"is not a {'whole ' * whole}number above 0 and below a million")
        return value

    def _listed(self, entries: Mapping[str, Any], kind: str) -> dict[str, str]:
        """Domain → name, as the file has it."""
        found: dict[str, str] = {}
        for name in entries:
            key = f"destinations.{name}.{kind}"
            for domain in self._list(key, entries[name].get(kind, [])):
                if domain in found:
                    raise self._bad(key, f"{domain} is listed under {found[domain]} already")
                found[domain] = name
        return found

    def _kept(
        self,
        base: Mapping[str, str],
        entries: Mapping[str, Any],
        kind: str,
        taken: Mapping[str, str],
    ) -> dict[str, str]:
        """What still holds of the base: neither replaced by the file nor below what it takes."""
        replaced = {name for name in entries if kind in entries[name]}
        return {
            domain: name
            for domain, name in base.items()
            if name not in replaced and not any(rest in taken for rest in _and_above(domain))
        }

    def _list(self, key: str, value: object) -> Iterable[str]:
        if not isinstance(value, list):
            raise self._bad(key, "is not a list of domains")
        for one in value:
            if not isinstance(one, str) or not _DOMAIN.fullmatch(one):
                raise self._bad(key, f"{one!r} is not a domain in lower case")
        return value

    def _at(self, key: str) -> Mapping[str, Any]:
        table: Mapping[str, Any] = self._table
        for part in key.split("."):
            table = self._section(part, table)
        return table

    def _section(self, key: str, table: Mapping[str, Any]) -> Mapping[str, Any]:
        found = table.get(key, {})
        if not isinstance(found, dict):
            raise self._bad(key, "is not a table")
        return found

    def _only(self, table: Mapping[str, Any], prefix: str, names: Iterable[str]) -> None:
        unknown = sorted(table.keys() - set(names))
        if unknown:
            raise self._bad(f"{prefix}{unknown[0]}", "is not a known key")

    def _bad(self, key: str, message: str) -> BadDestinations:
        return BadDestinations(f"{self._file}: {key}: {message}")
