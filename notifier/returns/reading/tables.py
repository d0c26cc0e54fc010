"""The tables beside the modules, loaded once."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from notifier.model.tracking import BounceReason

from .words import Words


@dataclass(frozen=True, slots=True)
class Phrases:
    """Words that name one reason."""

    reason: BounceReason
    words: Words
    excepted: tuple[str, ...]  # where one of these stands, the words say nothing


@dataclass(frozen=True, slots=True)
class Rule:
    """Words that mean something of their own at one receiver."""

    hosts: frozenset[str]
    words: Words
    after: str  # a command, or nothing
    codes: tuple[str, ...]
    reason: BounceReason


@dataclass(frozen=True, slots=True)
class Reasons:
    """Everything that a reason is read by."""

    ignored: tuple[str, ...]
    phrases: tuple[Phrases, ...]
    refused: Words
    rules: tuple[Rule, ...]
    codes: Mapping[str, str]
    sure: Mapping[str, str]
    general: Mapping[str, str]
    replies: Mapping[str, str]
    categories: Mapping[str, str]
    hard: frozenset[BounceReason]


@dataclass(frozen=True, slots=True)
class Kinds:
    """Everything that a kind is read by."""

    daemons: frozenset[str]
    daemon_words: tuple[str, ...]
    subjects: tuple[str, ...]
    sentences: tuple[str, ...]
    delays: tuple[str, ...]
    never_delayed: tuple[str, ...]
    deliveries: tuple[str, ...]
    never_delivered: tuple[str, ...]
    automatic: tuple[str, ...]
    automatic_body: tuple[str, ...]  # in a mail that answers none of ours
    automatic_sure: tuple[str, ...]
    automatic_headers: Mapping[str, tuple[str, ...]]
    separators: tuple[str, ...]
    separator_lines: frozenset[str]


@cache
def reasons() -> Reasons:
    """Tables of reasons."""
    phrases, status = _load("phrases.toml"), _load("status.toml")
    return Reasons(
        ignored=tuple(phrases["ignored"]["words"]),
        phrases=tuple(_phrases(one) for one in phrases["reasons"]),
        refused=Words.of(phrases["refused"]["words"]),
        rules=tuple(_rule(one) for one in _load("hosts.toml")["rules"]),
        codes=status["codes"],
        sure=status["sure"],
        general=status["general"],
        replies=status["replies"],
        categories=status["categories"],
        hard=frozenset(map(BounceReason, status["hard"]["reasons"])),
    )


@cache
def kinds() -> Kinds:
    """Tables of kinds."""
    found = _load("kinds.toml")
    automatic, delays = found["automatic"], found["delays"]
    return Kinds(
        daemons=frozenset(found["daemons"]["local"]),
        daemon_words=tuple(found["daemons"]["words"]),
        subjects=tuple(found["subjects"]["words"]),
        sentences=tuple(found["sentences"]["words"]),
        delays=tuple(delays["words"]),
        never_delayed=tuple(delays["never"]),
        deliveries=tuple(found["deliveries"]["words"]),
        never_delivered=tuple(found["deliveries"]["never"]),
        automatic=tuple(automatic["words"]),
        automatic_body=tuple(automatic["body"]),
        automatic_sure=tuple(automatic["sure"]),
        automatic_headers={name: tuple(v) for name, v in automatic["headers"].items()},
        separators=tuple(found["separators"]["begins"]),
        separator_lines=frozenset(found["separators"]["equals"]),
    )


def _phrases(found: Mapping[str, Any]) -> Phrases:
    return Phrases(
        reason=BounceReason(found["name"]),
        words=Words.of(found["words"]),
        excepted=tuple(found.get("except", ())),
    )


def _rule(found: Mapping[str, Any]) -> Rule:
    return Rule(
        hosts=frozenset(found["hosts"]),
        words=Words.of(found["words"]),
        after=found.get("after", ""),
        codes=tuple(found.get("codes", ())),
        reason=BounceReason(found["reason"]),
    )


def _load(name: str) -> dict[str, Any]:
    return tomllib.loads(files("notifier.returns.reading").joinpath(name).read_text("utf-8"))
