"""Tables on the terminal, readable in any width; in a pipe one line for each record."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from notifier.intake.characters import printable
from notifier.rendering.labels import label
from notifier.rules.calendar import JAPAN
from notifier.runtime import layout

from .session import out, settings


def show(
    columns: Sequence[str],
    lines: Iterable[Sequence[Any]],
    title: str = "",
    *,
    limit: int = 0,
    seconds: bool = False,
) -> None:
    """Print records under their headings, which are the labels ``column.<name>``.

    Moments are shown in Japan's time, to the minute unless ``seconds`` matter. Where there is
    nothing to show it says so. ``limit``: how many lines were asked for at most; a list that ends
    there says that there may be more.
    """
    rows, language = list(lines), settings().locale
    if not rows:
        out.print(label("cli.none_found", language))
        return
    made = [
        layout.Column(
            heading(name, language),
            tuple(cell(row[place], seconds=seconds) for row in rows),
            right=all(type(row[place]) in (int, type(None)) for row in rows),
        )
        for place, name in enumerate(columns)
    ]
    _print(layout.table(made, width()), title)
    if limit and len(rows) >= limit:
        out.print(label("cli.more", language, limit=f"{limit:,}"), style="dim")


def facts(
    pairs: Iterable[tuple[str, Any]], title: str = "", *, kind: str = "column", seconds: bool = True
) -> None:
    """Print what is known of one thing, a line each, with labels ``<kind>.<name>`` as names."""
    language = settings().locale
    named_facts(((heading(n, language, kind), v) for n, v in pairs), title, seconds=seconds)


def named_facts(pairs: Iterable[tuple[str, Any]], title: str = "", *, seconds: bool = True) -> None:
    """Print what is known of one thing, a line each, under names that are words already."""
    cells = [(name, cell(value, seconds=seconds)) for name, value in pairs]
    said = [(name, text) for name, text in cells if text]
    _print(layout.facts(said, width()), title)


def heading(name: str, language: str, kind: str = "column") -> str:
    """What a column or a fact is called."""
    return label(f"{kind}.{name.replace(' ', '_')}", language)


def cell(value: Any, *, seconds: bool = False) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        shown = "%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M"
        return value.astimezone(JAPAN).strftime(shown)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return printable(str(value))  # relays and senders have put words into it


def width() -> int | None:
    """Columns of the terminal; none for a pipe or a file, which have no edge."""
    return out.width if sys.stdout.isatty() else None


def _print(lines: Iterator[Text], title: str) -> None:
    out.print()
    if title:
        out.print(title, style="bold", highlight=False)
    for line in lines:
        out.print(line, highlight=False)
