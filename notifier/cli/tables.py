"""Tables on the terminal."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rich import box
from rich.table import Table

from notifier.decide.calendar import JAPAN
from notifier.intake.characters import printable

from .session import out


def show(columns: Sequence[str], lines: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print a table; moments are shown in Japan's time."""
    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    for place, name in enumerate(columns):  # folded, never cut: a number may be copied from it
        table.add_column(name, overflow="fold", no_wrap=place == 0)
    for line in lines:
        table.add_row(*(cell(value) for value in line))
    out.print(table)


def cell(value: Any) -> str:
    """A value as a cell."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(JAPAN):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return printable(str(value))  # relays and senders have put words into it
