"""Closed days as a CSV file: from, to, what they are called, and whose they are."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Final

from notifier.model.characters import is_clean
from notifier.model.closure import Closure
from notifier.model.errors import BadInput, FieldError

from .text_file import Row, decode, heading, read_rows

#: Our name of each column and its headings; the first is the one that errors name.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "first": ("開始日", "日付", "first"),
    "last": ("終了日", "last"),
    "name": ("名称", "name"),
    "scheme": ("制度", "scheme"),
}
_LIMIT: Final = 100
_DATE: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})", re.ASCII)
_YEARS: Final = range(1990, 2200)  # far from the ends of the calendar, where adding a day fails
_LONGEST: Final = 366  # days; a longer stretch is a slip of the pen


def read_closures(data: bytes, schemes: Collection[str]) -> list[Closure]:
    """The closures of a CSV file with 開始日 and, where wanted, 終了日, 名称 and 制度.

    Without an end a closure is one day; without a scheme it is the whole association's. Encodings
    as for the member register. Raises :class:`BadInput` naming every bad row.
    """
    text, _ = decode(data)
    rows = read_rows(text)
    places = _places(rows[0])
    found: list[Closure] = []
    errors: list[FieldError] = []
    for row in rows[1:]:
        try:
            found.append(_closure(row, places, schemes))
        except BadInput as problem:
            errors += problem.errors
    if not errors and not found:
        errors.append(FieldError("file", "no_rows"))
    if errors:
        raise BadInput(errors)
    return found


def _places(row: Row) -> dict[str, int]:
    headings = [heading(cell) for cell in row.cells]
    places: dict[str, int] = {}
    for name, titles in COLUMNS.items():
        at = [n for n, h in enumerate(headings) if h in {heading(t) for t in titles}]
        if len(at) > 1:
            raise BadInput([FieldError(titles[0], "given_twice", line=row.line)])
        if at:
            places[name] = at[0]
    if "first" not in places:
        raise BadInput([FieldError(COLUMNS["first"][0], "missing_column", line=row.line)])
    return places


def _closure(row: Row, places: Mapping[str, int], schemes: Collection[str]) -> Closure:
    cells = {name: row.cells[n].strip() if n < len(row.cells) else "" for name, n in places.items()}
    try:
        return closure(schemes, **cells)
    except BadInput as problem:
        raise BadInput(
            [
                FieldError(COLUMNS[e.field][0], e.code, e.params, line=row.line)
                for e in problem.errors
            ]
        ) from None


def closure(
    schemes: Collection[str], *, first: str, last: str = "", name: str = "", scheme: str = ""
) -> Closure:
    """A closure from its texts; dates as ``2025-08-13`` or ``2025/8/13``.

    Raises :class:`BadInput` with the first thing that is wrong, under our name of its field.
    """
    begin = _date("first", first)
    end = _date("last", last) if last else begin
    if end < begin:
        raise BadInput([FieldError("last", "bad_order", {"after": str(begin)})])
    if (end - begin).days >= _LONGEST:
        raise BadInput([FieldError("last", "too_big", {"limit": f"{begin} + {_LONGEST}"})])
    if len(name) > _LIMIT:
        raise BadInput([FieldError("name", "too_long", {"limit": _LIMIT})])
    if not is_clean(name):
        raise BadInput([FieldError("name", "control_character")])
    if scheme and scheme not in schemes:
        raise BadInput([FieldError("scheme", "unknown_scheme", {"value": scheme})])
    return Closure(first=begin, last=end, name=name, scheme=scheme)


def _date(field: str, text: str) -> date:
    if not text:
        raise BadInput([FieldError(field, "missing")])
    found = _DATE.fullmatch(text.replace("/", "-"))
    try:
        if found and int(found[1]) in _YEARS:
            return date(*(int(part) for part in found.groups()))
    except ValueError:  # the 30th of February
        pass
    raise BadInput([FieldError(field, "bad_date", {"value": text[:20]})])
