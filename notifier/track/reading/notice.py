"""The notice: what the reporting server wrote itself, apart from the mail that it returns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from . import bounds
from .headers import Headers
from .mime import Leaf, Mail, headers_of
from .tables import kinds

_AROUND: Final = " \t-=>*_#~:.+|<[]()"
#: The first lines of a mail that stands within a text, at the margin or quoted.
_BLOCK: Final = re.compile(
    r"^(?P<mark>(?:> ?)?)(?:Return-Path|Received|DKIM-Signature|Delivered-To|Message-I[dD]|"
    r"MIME-[vV]ersion|X-[\w-]+|From|Date|Subject|To): .*\n"
    r"(?:(?P=mark)(?:[ \t]+\S.*|[A-Za-z][\w-]{1,40}:.*)\n){2,}",
    re.MULTILINE,
)
_TRACED: Final = re.compile(
    r"^(?:> ?)?(?:Return-Path|Received|Message-Id|MIME-Version):", re.MULTILINE | re.IGNORECASE
)
_NAME: Final = re.compile(r"^([A-Za-z-]+)[ \t]*:", re.MULTILINE)
_BESIDE: Final = frozenset({"to", "from", "date", "sent"})
_INDENTED: Final = re.compile(r"^[ \t]+(?:[A-Za-z][\w-]{1,40}[ \t]*:.*\n)(?:[ \t]+\S.*\n)*", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Notice:
    """What the server wrote, and the headers of the mail that it returns."""

    text: str
    returned: Headers
    tail: str  # the beginning of the returned mail, where it stands in the text


def find(mail: Mail) -> Notice:
    """The notice of a mail. For an answer it is what was written above the quoted mail."""
    before, returned = _leaves(mail.leaves)
    text = "\n".join(_texts(before))[: bounds.NOTICE]
    text, inner = _without_indented(text)
    own, tail = _cut(text)
    if returned is None and tail:
        returned = headers_of(_unquoted(tail).encode("utf-8", "replace"))
    return Notice(own, returned or inner or Headers({}), tail)


def _leaves(leaves: Sequence[Leaf]) -> tuple[list[Leaf], Headers | None]:
    """Parts to read, up to the returned mail, and its headers."""
    before: list[Leaf] = []
    for leaf in leaves:
        if leaf.is_returned:
            return before, headers_of(leaf.content()[: bounds.HEADER_BYTES].replace(b"\r\n", b"\n"))
        before.append(leaf)
    return before, None


def _texts(leaves: Iterable[Leaf]) -> list[str]:
    found = [leaf for leaf in leaves if leaf.is_text]
    plain = [leaf for leaf in found if leaf.kind != "text/html"]
    read = [leaf.text() for leaf in plain[: bounds.DEPTH]]
    if not any(text.strip() for text in read):
        read = [leaf.text() for leaf in found if leaf.kind == "text/html"][: bounds.DEPTH]
    return read


def _without_indented(text: str) -> tuple[str, Headers | None]:
    """Some servers quote the headers of the mail, indented, before they say what is wrong."""
    for found in _INDENTED.finditer(text):
        block = "\n".join(line.strip() for line in found[0].split("\n"))
        names = {name.lower() for name in _NAME.findall(block)}
        if len(_TRACED.findall(block)) >= 2 or ("subject" in names and names & _BESIDE):
            return text[: found.start()] + text[found.end() :], headers_of(
                block.encode("utf-8", "replace")
            )
    return text, None


def _cut(text: str) -> tuple[str, str]:
    """What stands before the returned mail, and from there on."""
    at = _separator(text)
    block = _header_block(text)
    ends = [end for end in (at, block) if end is not None and text[:end].strip()]
    if not ends:
        return text, text if block == 0 else ""
    end = min(ends)
    return text[:end], text[end:]


def _separator(text: str) -> int | None:
    """Where a line stands that announces the returned mail."""
    known, at = kinds(), 0
    for line in text.split("\n", bounds.LINES):
        if 4 < len(line) < 120:
            bare = line.strip(_AROUND).lower()
            if bare in known.separator_lines or bare.startswith(known.separators):
                return at
        at += len(line) + 1
    return None


def _header_block(text: str) -> int | None:
    """Where headers begin that can only be those of a mail."""
    for found in _BLOCK.finditer(text):
        if len(_TRACED.findall(found[0])) >= 2 or (
            "\nTo:" in found[0] and "\nSubject:" in found[0] and _TRACED.search(found[0])
        ):
            return found.start()
    return None


def _unquoted(tail: str) -> str:
    """A returned mail without the line that announces it, and without marks of quoting."""
    lines = tail.split("\n")[: bounds.LINES]
    while lines and not _looks_like_field(lines[0]):
        lines.pop(0)
    if not lines:
        return ""
    mark = lines[0][: len(lines[0]) - len(lines[0].lstrip("> \t"))]
    return "\n".join(line.removeprefix(mark) for line in lines)


_FIELD: Final = re.compile(r"[> \t]*[A-Za-z][\w-]{1,40}[ \t]*:[ \t]")


def _looks_like_field(line: str) -> bool:
    bare = line.strip(_AROUND).lower()
    return _FIELD.match(line) is not None and bare not in kinds().separator_lines
