"""What the Typst of a letter may not use: files, packages, plug-ins, and code made of text.

A letter is a function of its data. Whatever slips through is stopped when it is set: see
``confined``.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

#: Comments and strings; a comment may hold another, which is left alone: it ends with the first.
_QUIET: Final = re.compile(r'"(?:[^"\\]|\\.)*+"|(?<!:)//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_WORDS: Final = re.compile(
    r"(?<![\w.-])(?:import|include|plugin|read|csv|json|toml|yaml|xml|cbor|image|bibliography|eval"
    r"|sys|std|raw\.theme)(?![\w-])"
)
_PACKAGE: Final = re.compile(r'"@[^"\n]*"')


class Fault(NamedTuple):
    """Something that may not be used."""

    line: int
    what: str


def faults(source: str) -> list[Fault]:
    """What a file of Typst may not use, by line."""
    return sorted(set(_faults(source)))


def _faults(source: str) -> Iterator[Fault]:
    code = _QUIET.sub(_blank, source)
    for text, pattern in ((code, _WORDS), (source, _PACKAGE)):
        for found in pattern.finditer(text):
            yield Fault(text.count("\n", 0, found.start()) + 1, found[0][:60])


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
