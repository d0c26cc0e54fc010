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
    r"|sys|std)(?![\w-])"
)
#: What may be endless; a condition on the data may hide it from the samples of the check.
_LONG: Final = re.compile(r"(?<![\w.-])(?:while(?![\w-])|range\([^()]*\d{5,})")
_PACKAGE: Final = re.compile(r'"@[^"\n]*"')


class Fault(NamedTuple):
    """Something that may not be used."""

    line: int
    what: str


def faults(source: str) -> list[Fault]:
    """What a file of Typst may not use, by line."""
    return sorted({*reaching_out(source), *_found(_LONG, _code(source))})


def reaching_out(source: str) -> list[Fault]:
    """What of that no letter is set with, whatever was published."""
    return sorted({*_found(_WORDS, _code(source)), *_found(_PACKAGE, source)})


def _found(pattern: re.Pattern[str], text: str) -> Iterator[Fault]:
    for found in pattern.finditer(text):
        yield Fault(text.count("\n", 0, found.start()) + 1, found[0][:60])


def _code(source: str) -> str:
    return _QUIET.sub(_blank, source)


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])
