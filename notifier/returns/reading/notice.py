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
_QUOTED_FIELD: Final = re.compile(r"[ \t*>]*[A-Za-z][A-Za-z -]{1,30}:(?:[ \t]|$)")
_TRACED_INSIDE: Final = re.compile(
    r"^[ \t]+(?:Return-path|Received):", re.IGNORECASE | re.MULTILINE
)
_TRACES: Final = frozenset({"return-path", "received", "message-id", "mime-version"})
_BESIDE: Final = frozenset({"to", "from", "date", "sent"})
#: Fields of a mail that are taken out where they stand together.
_OWN: Final = (
    _TRACES
    | _BESIDE
    | {
        "subject",
        "cc",
        "sent date",
        "received on",
        "reply-to",
        "sender",
        "content-type",
        "mail from",
    }
)


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
    own, tail = _cut(text)
    own, inner = _without_headers(own)
    if returned is None and tail:
        returned = headers_of(_unquoted(tail).encode("utf-8", "replace"))
    return Notice(own, returned or inner or Headers({}), tail)


def _leaves(leaves: Sequence[Leaf]) -> tuple[list[Leaf], Headers | None]:
    """Parts to read, up to the returned mail, and its headers."""
    before: list[Leaf] = []
    for leaf in leaves:
        if leaf.is_returned:
            inner = headers_of(leaf.content()[: bounds.HEADER_BYTES].replace(b"\r\n", b"\n"))
            return before, leaf.headers if "from" in leaf.headers else inner  # no blank line
        before.append(leaf)
    return before, None


def _texts(leaves: Iterable[Leaf]) -> list[str]:
    found = [leaf for leaf in leaves if leaf.is_text]
    plain = [leaf for leaf in found if leaf.kind != "text/html"]
    read = [leaf.text() for leaf in plain[: bounds.DEPTH]]
    if not any(text.strip() for text in read):
        read = [leaf.text() for leaf in found if leaf.kind == "text/html"][: bounds.DEPTH]
    return read


def _without_headers(text: str) -> tuple[str, Headers | None]:
    """Some servers quote headers of the mail before they say what is wrong."""
    if "ubject" not in text and not _TRACED_INSIDE.search(text):
        return text, None
    kept: list[str] = []
    taken: list[str] = []
    run: list[str] = []
    for line in [*text.split("\n"), ""]:
        if _QUOTED_FIELD.match(line) or (run and line[:1] in " \t" and line.strip()):
            run.append(line)
            continue
        _settle(run, kept, taken)
        run = []
        kept.append(line)
    found = headers_of("\n".join(taken).encode("utf-8", "replace")) if taken else None
    return "\n".join(kept), found


def _settle(run: list[str], kept: list[str], taken: list[str]) -> None:
    """Take the fields of a mail out of a run of lines that look like fields."""
    names = {_name(line) for line in run}
    if len(names & _TRACES) < 2 and not ("subject" in names and names & _BESIDE):
        kept += run
        return
    mine = False
    for line in run:
        if _QUOTED_FIELD.match(line):
            mine = _name(line) in _OWN
        if mine:
            bare = line.strip(" \t*>")
            taken.append(bare if _QUOTED_FIELD.match(line) else f" {bare}")
        else:
            kept.append(line)


def _name(line: str) -> str:
    return line.partition(":")[0].strip(" \t*>").lower()


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
