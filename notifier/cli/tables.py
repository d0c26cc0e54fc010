"""Tables on the terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.table import Table

from notifier.decide.calendar import JAPAN
from notifier.intake.characters import printable
from notifier.write.labels import label

from .session import out, settings


def show(
    columns: Sequence[str], lines: Iterable[Sequence[Any]], title: str = "", *, limit: int = 0
) -> None:
    """Print a table; moments are shown in Japan's time.

    Where there is nothing to show it says so. ``limit``: how many lines were asked for at most; a
    list that ends there says that there may be more.
    """
    rows = list(lines)
    if not rows:
        out.print(label("cli.none_found", settings().locale))
        return
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for place, name in enumerate(columns):  # folded, never cut: a number may be copied from it
        table.add_column(name, overflow="fold", no_wrap=place == 0)
    for line in rows:
        table.add_row(*(cell(value) for value in line))
    out.print(table)
    if limit and len(rows) >= limit:
        out.print(label("cli.more", settings().locale, limit=f"{limit:,}"), style="dim")


def cell(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(JAPAN):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return printable(str(value))  # relays and senders have put words into it
