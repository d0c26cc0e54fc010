"""Tables on the terminal, readable in any width; in a pipe one line for each record.

With ``--json`` the values themselves are printed, one object a line.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar

from rich.text import Text

from notifier.model.characters import printable
from notifier.rendering.labels import label
from notifier.rules.calendar import JAPAN
from notifier.runtime import layout

from .language import language
from .output import emitted, emitted_all, out, phrase

_T = TypeVar("_T")


def show(
    columns: Sequence[str],
    values: Iterable[_T],
    line: Callable[[_T], Sequence[Any]],
    title: str = "",
    *,
    limit: int = 0,
    seconds: bool = False,
) -> None:
    """Print values, a line each, under headings, which are the labels ``column.<name>``.

    Moments are shown in Japan's time, to the minute unless ``seconds`` matter. Where there is
    nothing to show it says so. ``limit``: how many were asked for at most; a list that ends there
    says that there may be more.
    """
    given = list(values)
    if emitted_all(given):
        return
    if not given:
        out.print(phrase("cli.none_found"))
        return
    rows = [line(value) for value in given]
    made = [
        layout.Column(
            heading(name),
            tuple(cell(row[place], seconds=seconds) for row in rows),
            right=all(type(row[place]) in (int, type(None)) for row in rows),
        )
        for place, name in enumerate(columns)
    ]
    _print(layout.table(made, width()), title)
    if limit and len(rows) >= limit:
        out.print(phrase("cli.more", limit=limit), style="dim")


def facts(
    names: Sequence[str],
    value: _T,
    line: Callable[[_T], Sequence[Any]],
    title: str = "",
    *,
    kind: str = "column",
) -> None:
    """Print what is known of one thing, a line each, with labels ``<kind>.<name>`` as names."""
    if not emitted(value):
        pairs = zip((heading(name, kind) for name in names), line(value), strict=True)
        named_facts(pairs, title)


def named_facts(pairs: Iterable[tuple[str, Any]], title: str = "") -> None:
    """Print what is known of one thing, a line each, under names that are words already."""
    cells = [(name, cell(value, seconds=True)) for name, value in pairs]
    _print(layout.facts([(name, text) for name, text in cells if text], width()), title)


def heading(name: str, kind: str = "column") -> str:
    """Return the name of a column or a fact."""
    return label(f"{kind}.{name.replace(' ', '_')}", language())


def cell(value: Any, *, seconds: bool = False) -> str:
    """Return a value as a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        shown = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
        return value.astimezone(JAPAN).strftime(shown)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return printable(str(value))  # relays and senders have put words into it


def width() -> int | None:
    """Return the columns of the terminal; none for a pipe or a file, which have no edge."""
    return out.width if sys.stdout.isatty() else None


def _print(lines: Iterator[Text], title: str) -> None:
    out.print()
    if title:
        out.print(title, style="bold", highlight=False)
    for line in lines:
        out.print(line, highlight=False)
