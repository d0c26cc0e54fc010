"""Where a line of Japanese may end: between phrases, and never inside an amount or a date."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import budoux
from markupsafe import Markup, escape

#: Columns of a line of plain text; a full-width character takes two.
WIDTH: Final = 76
#: Characters that surely fit into a line.
LONG: Final = WIDTH // 2
_LABEL: Final = 10  # columns of what may stand before a text: 　 原因：
#: What stays in one piece: dates, amounts and counts, and runs of ASCII such as policy numbers.
_WHOLE: Final = re.compile(
    r"\d{4}年\d{1,2}月\d{1,2}日(?:（.）)?"
    r"|[!-~]+(?:円|件|名|人|年|月|日|時|分|回|枚|通|社|つ|％|分の)?"
)
#: What no line begins with, and what none ends with (JIS X 4051).
_NOT_FIRST: Final = frozenset(
    "、。，．・：；？！」』）】〉》〕］｝ー～〜…々ゝゞぁぃぅぇぉっゃゅょァィゥェォッャュョ"
)
_NOT_LAST: Final = frozenset("「『（【〈《〔［｛")
#: Combining marks and variation selectors belong to what stands before them.
_JOINED: Final = re.compile("[\u0300-\u036f\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef]")


def columns(text: str) -> int:
    """How wide a text is in a font of fixed width."""
    wide = sum(unicodedata.east_asian_width(c) in "FWA" for c in text)
    return len(text) + wide - 2 * len(_JOINED.findall(text))


def is_long(value: Any) -> bool:
    """Whether a fact is sentences that plain text breaks into lines."""
    return isinstance(value, str) and len(value) > LONG and "。" in value


@lru_cache(maxsize=1024)
def phrases(text: str) -> tuple[str, ...]:
    """A line of text, cut where it may break. The parts make the text again."""
    whole = _inside(text)
    parts: list[str] = []
    begin = end = 0
    for part in _parser().parse(text):
        end += len(part)
        if end < len(text) and _may_break(text, end, whole):
            parts.append(text[begin:end])
            begin = end
    return (*parts, text[begin:]) if text else ()


def marked(text: Any) -> Markup:
    """A line as HTML, with ``<wbr>`` between its phrases. What is ``Markup`` is escaped already."""
    if isinstance(text, Markup):
        return Markup("<wbr>").join(Markup(p) for p in phrases(str(text)))  # noqa: S704
    return Markup("<wbr>").join(escape(part) for part in phrases(str(text)))


def folded(text: str, width: int = WIDTH) -> str:
    """A text in lines of ``width`` columns at most, broken between phrases.

    A phrase that is wider by itself is broken where the line ends, unless it must stay whole.
    Line breaks that are there are kept.
    """
    return "\n".join(line for given in text.split("\n") for line in _lines(given, width))


def hanging(text: str, hang: str) -> str:
    """A text behind a label of a few characters, in lines that begin with ``hang``."""
    return folded(text, WIDTH - _LABEL).replace("\n", f"\n{hang}")


def _lines(text: str, width: int) -> Iterator[str]:
    line, used = "", 0
    for part in _pieces(text, width):
        wide = columns(part)
        if line and used + wide > width:
            yield line.rstrip(" ")
            line, used = "", 0
        line, used = line + part, used + wide
    yield line


def _pieces(text: str, width: int) -> Iterator[str]:
    for part in phrases(text):
        if columns(part) <= width:
            yield part
        else:
            yield from _cut(part)


def _cut(part: str) -> Iterator[str]:
    """A phrase, character by character where it may break at all."""
    whole = _inside(part)
    begin = 0
    for end in range(1, len(part)):
        if _may_break(part, end, whole):
            yield part[begin:end]
            begin = end
    yield part[begin:]


def _inside(text: str) -> frozenset[int]:
    """Places within what stays in one piece."""
    spans = (found.span() for found in _WHOLE.finditer(text))
    return frozenset(at for begin, end in spans for at in range(begin + 1, end))


def _may_break(text: str, at: int, whole: frozenset[int]) -> bool:
    return not (
        text[at] in _NOT_FIRST
        or text[at - 1] in _NOT_LAST
        or _JOINED.match(text[at])
        or at in whole
    )


@lru_cache(maxsize=1)
def _parser() -> budoux.Parser:
    return budoux.load_default_japanese_parser()
