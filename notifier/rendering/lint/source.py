"""Sources: the files that a notice is made from, and findings in them: where, which, how bad."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from jinja2 import nodes
from jinja2.exceptions import TemplateError

from notifier.rendering.labels import label
from notifier.rendering.text.sandbox import Sandbox

#: What is no text of a message, by the ending of the file.
_COMMENTS: Final = {
    ".toml": re.compile(r"(?m)^[ \t]*#.*$"),
    ".typ": re.compile(r"(?m)(?<!:)//.*$|/\*[\s\S]*?\*/"),
    ".json": re.compile(r"(?!)"),
}
_JINJA: Final = re.compile(r"\{#[\s\S]*?#\}")
_SPACE: Final = re.compile(r"\s")
_LONGEST: Final = 60  # characters of a text that is looked for


class _Anything(dict[str, Any]):
    """Filters and tests of any name: whether there is such a one is not asked here."""

    def get(self, key: str, default: Any = None) -> Any:
        """What there is of this name, or something that can be called."""
        return super().get(key, default) or str


#: To read templates with. A sandbox works nothing out beforehand that might take for ever.
ENVIRONMENT: Final = Sandbox({}, escape=True, filters={})
ENVIRONMENT.filters = _Anything(ENVIRONMENT.filters)
ENVIRONMENT.tests = _Anything(ENVIRONMENT.tests)


@dataclass(frozen=True)
class Source:
    """One file; lines count from 1."""

    name: str  # ``apology/words.txt``
    text: str

    @property
    def ending(self) -> str:
        """``.txt``, ``.mjml``, …"""
        return "." + self.name.rpartition(".")[2]

    @property
    def is_template(self) -> bool:
        """Whether Jinja runs it."""
        return self.ending not in _COMMENTS

    @cached_property
    def plain(self) -> str:
        """The text with its comments blanked; every line stays where it is."""
        comment = _COMMENTS.get(self.ending, _JINJA)
        return comment.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), self.text)

    def matches(self, pattern: re.Pattern[str]) -> Iterator[tuple[int, str]]:
        """(line, text) of all matches outside comments."""
        for found in pattern.finditer(self.plain):
            yield self.plain.count("\n", 0, found.start()) + 1, found[0]

    @cached_property
    def tree(self) -> nodes.Template | None:
        """The parsed template; None if it does not parse."""
        try:
            return ENVIRONMENT.parse(self.text)
        except (TemplateError, RecursionError):
            return None

    @cached_property
    def tokens(self) -> list[tuple[int, str, str]]:
        """(line, kind, text) of what stands between Jinja's brackets, as far as it can be read."""
        found: list[tuple[int, str, str]] = []
        try:
            for line, kind, text in ENVIRONMENT.lex(self.text):
                if kind not in ("whitespace", "data", "comment"):
                    found.append((line, kind, text))
        except TemplateError:
            pass
        return found

    @cached_property
    def _flowed(self) -> tuple[str, list[int]]:
        """All characters but spaces, and the line of each: how a source breaks lines counts not."""
        text: list[str] = []
        where: list[int] = []
        for number, line in enumerate(self.plain.split("\n"), 1):
            bare = _SPACE.sub("", line)
            text.append(bare)
            where += [number] * len(bare)
        return "".join(text), where

    def line_of(self, bare: str) -> int | None:
        """The line in which a text without spaces begins; None if it is not here."""
        text, where = self._flowed
        at = text.find(bare)
        return where[at] if at >= 0 and bare else None


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: str
    line: int


class Sources:
    """The files of a notice; those that come first are looked through first."""

    def __init__(self, all_: Sequence[Source]) -> None:
        self.all = tuple(all_)
        self.by_name = {source.name: source for source in all_}

    def find(self, text: str, around: str = "") -> Place | None:
        """Where a text of a message comes from; what a template filled in is not looked for.

        If it does not stand in any file as it is, the longest part of it does that has at least
        two characters; then the longest part of what is ``around`` it.
        """
        for sought in (text, around):
            bare = _SPACE.sub("", sought)[:_LONGEST]
            for length in range(len(bare), 1, -1):
                if place := self._first(bare, length):
                    return place
        return None

    def _first(self, bare: str, length: int) -> Place | None:
        for source in self.all:
            for at in range(len(bare) - length + 1):
                line = source.line_of(bare[at : at + length])
                if line is not None:
                    return Place(source.name, line)
        return None


class Severity(StrEnum):
    """What a finding means for whoever wants to publish."""

    ERROR = "error"  # may not be published
    WARNING = "warning"  # somebody should look


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong with a file."""

    file: str  # ``ja/apology/notice.toml``
    line: int  # 1-based
    rule: str  # its messages are the labels ``lint.<rule>``
    severity: Severity
    about: tuple[tuple[str, str], ...] = ()  # fills the message

    def message(self, language: str) -> str:
        """What is wrong, for a person."""
        return label(f"lint.{self.rule}", language, **dict(self.about))

    def as_json(self, language: str) -> dict[str, Any]:
        """A JSON object: file, line, rule, severity, message."""
        return {
            "file": self.file,
            "line": self.line,
            "rule": self.rule,
            "severity": str(self.severity),
            "message": self.message(language),
        }
