"""The machine-readable part of RFC 3464, as servers really write it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from . import bounds

_FIELD: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{2,60})[ \t]*:[ \t]*(.*)")
_RECIPIENT: Final = frozenset({"final-recipient", "original-recipient"})
_GROUP: Final = _RECIPIENT | {"action", "status", "x-actual-recipient", "x-original-recipient"}
_TOLD: Final = frozenset({"action", "status", "diagnostic-code"})


@dataclass(slots=True)
class Group:
    """The fields about one recipient, by name in lower case."""

    fields: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """A field; nothing if it is missing."""
        return self.fields.get(name, "")

    @property
    def names_recipient(self) -> bool:
        """Whether it says whom it is about."""
        return not _RECIPIENT.isdisjoint(self.fields)


@dataclass(slots=True)
class Report:
    """Fields about the message, and one group for each recipient."""

    message: dict[str, str]
    groups: list[Group]


def parse(text: str) -> Report:
    """Read blocks of fields; blank lines between them are a hint and no more.

    Some servers leave the blank line out, some put one into a block, some fold lines without
    indenting them.
    """
    state = _State()
    for line in islice(text.split("\n"), bounds.LINES * 20):
        state.line(line)
        if len(state.groups) > bounds.FINDINGS:
            break
    groups = [group for group in state.groups if group.names_recipient]
    return Report(state.message, groups[: bounds.FINDINGS])


def fields(text: str) -> Iterator[tuple[str, str]]:
    """All fields of a text that is one block, names in lower case."""
    for line in islice(text.split("\n"), bounds.LINES):
        if found := _FIELD.match(line):
            yield found[1].lower(), found[2].strip()[: bounds.VALUE]


def has_fields(text: str) -> bool:
    """Whether a text holds such blocks without being declared as one."""
    lower = text.lower()
    return "final-recipient:" in lower or "original-recipient:" in lower


class _State:
    def __init__(self) -> None:
        self.message: dict[str, str] = {}
        self.groups: list[Group] = []
        self.here: dict[str, str] = self.message
        self.last = ""
        self.gap = False

    def line(self, line: str) -> None:
        """Take one line."""
        if not line.strip():
            self.gap = True
            return
        found = None if line[0] in " \t" else _FIELD.match(line)
        if found is None:
            self._continue(line)
            return
        name = found[1].lower()
        if name in _GROUP and self._begins(name):
            self.groups.append(Group())
            self.here = self.groups[-1].fields
        self.gap = False
        self.here.setdefault(name, found[2].strip()[: bounds.VALUE])
        self.last = name

    def _continue(self, line: str) -> None:
        """A folded line, indented or not. After a blank line it belongs to nothing."""
        indented = line[0] in " \t"
        if (
            self.last
            and (not self.gap or indented)
            and (indented or self.last == "diagnostic-code")
        ):
            joined = f"{self.here.get(self.last, '')} {line.strip()}".strip()
            self.here[self.last] = joined[: bounds.VALUE]

    def _begins(self, name: str) -> bool:
        """Whether a field begins another group."""
        if self.here is self.message or name in self.here:
            return True
        whole = not _RECIPIENT.isdisjoint(self.here) and not _TOLD.isdisjoint(self.here)
        return self.gap and whole and name in _RECIPIENT | {"action"}
