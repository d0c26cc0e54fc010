"""Records and facts as lines of a terminal of some width.

Widths are columns of the terminal: a wide character takes two. No word, and so no number that may
be copied, is ever cut: what is wider than the terminal by itself is left to the terminal to fold.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_GAP: Final = 2  # columns between two cells, and those by which what stands beneath is indented
_SMALL: Final = 16  # a cell up to this is not folded
_OPENING: Final = frozenset("「『（［【〈《“‘")
_CLOSING: Final = frozenset("、。，．・：；？！」』）］】〉》”’ー々…～〜％円")


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and a cell for each record."""

    name: str
    cells: tuple[str, ...]
    right: bool = False  # numbers that are compared by their length

    @property
    def natural(self) -> int:
        """The width in which no cell is folded."""
        return max(map(cell_len, (self.name, *self.cells)))

    @property
    def least(self) -> int:
        """The width in which no word is cut, and no cell takes more than about three lines."""
        longest = max(map(cell_len, self.cells))
        folded = longest if longest <= _SMALL else -(-longest * 2 // 5)
        words = max((cell_len(word) for one in self.cells for word in _words(one)), default=0)
        return max(cell_len(self.name), words, min(longest, max(folded, _SMALL)))


def table(columns: Sequence[Column], width: int | None) -> Iterator[Text]:
    """A line with the headings, and one for each record.

    Where that is wider than ``width`` (``None``: nothing is too wide), columns without any value
    are left out and long texts are folded; what still does not fit stands beneath its record as
    ``heading: value``.
    """
    if width is None or _sum(c.natural for c in columns) <= width:
        yield from _lines(columns, [c.natural for c in columns], ())
        return
    kept = [c for c in columns if any(c.cells)]
    beside, beneath = _shared(kept, width)
    yield from _lines(beside, _widths(beside, width), [*_under(beneath, width)])


def facts(pairs: Sequence[tuple[str, str]], width: int | None) -> Iterator[Text]:
    """A line with name and value for each pair, the values one below the other."""
    names = max((cell_len(name) for name, _ in pairs), default=0)
    for name, value in pairs:
        rest = None if width is None else max(width - names - _GAP, _SMALL)
        first, *more = wrapped(value, rest)
        head = _padded(name, names + _GAP)
        yield Text.assemble((head, "dim"), first)
        yield from (Text(" " * (names + _GAP) + line) for line in more)


def wrapped(text: str, width: int | None) -> list[str]:
    """A text in lines of at most ``width``, at least one; a longer word is a line by itself."""
    if width is None or cell_len(text) <= width:
        return [text]
    lines, line, used = [], "", 0
    for word in _words(text):
        size = cell_len(word)
        if line and used + size > width:
            lines.append(line.rstrip())
            line, used = "", 0
        if line or not word.isspace():
            line, used = line + word, used + size
    return [*lines, line.rstrip()] if line.strip() else lines or [""]


def _words(text: str) -> list[str]:
    """What stays together: words between blanks; of wide characters each, with its punctuation."""
    found: list[str] = []
    for one in text:
        if found and _belong(found[-1], one):
            found[-1] += one
        else:
            found.append(one)
    return found


def _belong(word: str, one: str) -> bool:
    if word.isspace() or one.isspace():
        return word.isspace() and one.isspace()
    if one in _CLOSING or word[-1] in _OPENING:
        return True
    return not (_breaks(word[-1]) or _breaks(one))


def _breaks(one: str) -> bool:
    """Whether a line may end before and after it; wide digits and letters stay together."""
    return cell_len(one) > 1 and unicodedata.category(one) not in ("Nd", "Lu", "Ll")


def _sum(widths: Iterator[int]) -> int:
    return sum(size + _GAP for size in widths) - _GAP


def _shared(columns: Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """The columns that stand beside each other, and those for which there is no room."""
    beside, beneath, used = list(columns[:1]), [], columns[0].least
    for one in columns[1:]:
        if used + _GAP + one.least <= width:
            beside.append(one)
            used += _GAP + one.least
        else:
            beneath.append(one)
    return beside, beneath


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """What each gets: as much as no word is cut, and of the rest what it needs, in their order."""
    widths = [c.least for c in columns]
    rest = width - _sum(iter(widths))
    for place, one in enumerate(columns):
        more = max(0, min(one.natural - widths[place], rest))
        widths[place] += more
        rest -= more
    return widths


def _lines(
    columns: Sequence[Column], widths: Sequence[int], beneath: Sequence[Sequence[str]]
) -> Iterator[Text]:
    names = [_padded(c.name, w, right=c.right) for c, w in zip(columns, widths, strict=True)]
    yield Text((" " * _GAP).join(names).rstrip(), "bold")
    yield Text("─" * _sum(iter(widths)), "dim")
    for number in range(len(columns[0].cells)):
        folded = [wrapped(c.cells[number], w) for c, w in zip(columns, widths, strict=True)]
        for line in zip_longest(*folded, fillvalue=""):
            cells = zip(line, columns, widths, strict=True)
            padded = [_padded(text, w, right=c.right) for text, c, w in cells]
            yield Text((" " * _GAP).join(padded).rstrip())
        for words in beneath[number] if beneath else ():
            yield Text(" " * _GAP + words, "dim")


def _under(columns: Sequence[Column], width: int) -> Iterator[list[str]]:
    """For each record the lines beneath it."""
    for values in zip(*(c.cells for c in columns), strict=True):
        said = [f"{c.name}: {v}" for c, v in zip(columns, values, strict=True) if v]
        yield _filled(said, width - _GAP)


def _filled(said: Sequence[str], width: int) -> list[str]:
    """As many on a line as fit; one that is longer is folded."""
    lines: list[str] = []
    for one in said:
        if lines and cell_len(lines[-1]) + _GAP + cell_len(one) <= width:
            lines[-1] += " " * _GAP + one
        else:
            lines += wrapped(one, width)
    return lines


def _padded(text: str, width: int, *, right: bool = False) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks
