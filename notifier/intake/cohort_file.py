"""A cohort as a CSV file: the member numbers of those who are to get something."""

import re
from dataclasses import dataclass
from typing import Final

from notifier.model.errors import BadInput, FieldError

from .member_row import COLUMNS
from .text_file import Row, decode, heading, read_rows

_HEADINGS: Final = frozenset(heading(h) for h in ("member_no", *COLUMNS["member_no"]))
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


@dataclass(frozen=True, slots=True)
class CohortLine:
    """A member number and the line on which it stands (1-based)."""

    member_no: str
    line: int


def read_cohort(data: bytes) -> list[CohortLine]:
    """The members of a CSV file with a column 会員番号 or ``member_no``; others are not read.

    Encodings as for the member register. Raises :class:`BadInput` naming every bad row; a number
    that stands twice is one.
    """
    text, _ = decode(data)
    rows = read_rows(text)
    place = _place(rows[0])
    lines: dict[str, CohortLine] = {}
    errors: list[FieldError] = []
    for row in rows[1:]:
        number, title = row.cells[place].strip() if place < len(row.cells) else "", "会員番号"
        if not _IDENT.fullmatch(number):
            code = "bad_identifier" if number else "missing"
            errors.append(FieldError(title, code, line=row.line))
        elif number in lines:
            first = {"first_line": lines[number].line}
            errors.append(FieldError(title, "duplicate_in_file", first, line=row.line))
        else:
            lines[number] = CohortLine(number, row.line)
    if not errors and not lines:
        errors.append(FieldError("file", "no_rows"))
    if errors:
        raise BadInput(errors)
    return list(lines.values())


def _place(row: Row) -> int:
    places = [n for n, cell in enumerate(row.cells) if heading(cell) in _HEADINGS]
    if len(places) != 1:
        code = "given_twice" if places else "missing_column"
        raise BadInput([FieldError("会員番号", code, line=row.line)])
    return places[0]
