"""Columns of CSV files by their headings, and the cells in them."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from notifier.model.errors import BadInput, FieldError

from .text_file import Row, heading

_DAY: Final = re.compile(r"([0-9]{4})[-/]?([0-9]{1,2})[-/]?([0-9]{1,2})")


def columns(
    row: Row, known: Mapping[str, Collection[str]], needed: Collection[str] = ()
) -> dict[str, int]:
    """Where each column stands: name → place. ``known``: name → headings that mean it.

    Raises :class:`BadInput` with ``given_twice`` or ``missing_column``.
    """
    found: dict[str, int] = {}
    for name, headings in known.items():
        places = [n for n, cell in enumerate(row.cells) if heading(cell) in headings]
        if len(places) > 1:
            raise BadInput([FieldError(name, "given_twice", line=row.line)])
        if places:
            found[name] = places[0]
    missing = [FieldError(n, "missing_column", line=row.line) for n in needed if n not in found]
    if missing:
        raise BadInput(missing)
    return found


def cell(row: Row, place: int) -> str:
    """A cell without the quote that keeps a spreadsheet from taking it for a formula."""
    return row.cells[place].strip().removeprefix("'") if place < len(row.cells) else ""


def day_of(text: str) -> date | None:
    """A day as people write it (2025-07-16, 2025/7/16, 20250716), or None."""
    found = _DAY.fullmatch(text)
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None
