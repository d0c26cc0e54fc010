"""The member register as a CSV file: all of it, or a list of every bad row."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.member import Member

from .member_row import COLUMNS, REQUIRED, RowReader
from .text_file import Row, decode, heading, read_rows

_HEADINGS: Final[Mapping[str, str]] = MappingProxyType(
    {heading(alias): name for name, aliases in COLUMNS.items() for alias in (name, *aliases)}
)


@dataclass(frozen=True, slots=True)
class MembersFile:
    """The members of a file, in its order, and the encoding it was in."""

    members: list[Member]
    encoding: str


def read_members(data: bytes, schemes: AbstractSet[str]) -> MembersFile:
    """The members of a CSV file in UTF-8 (with or without BOM) or CP932.

    ``schemes`` are the keys of the registered schemes. Raises :class:`BadInput` naming every bad
    cell by line, column heading and code; then nothing of the file is to be used.
    """
    text, encoding = decode(data)
    rows = read_rows(text)
    titles = rows[0].cells
    names = _names(rows[0])
    errors: list[FieldError] = []
    members: list[Member] = []
    first_lines: dict[str, int] = {}
    for row in rows[1:]:
        member, wrong = _member(row, names, titles, schemes)
        errors += wrong
        if member is None:
            continue
        first = first_lines.setdefault(member.member_no, row.line)
        if first != row.line:
            title = titles[names.index("member_no")]
            errors.append(
                FieldError(title, "duplicate_in_file", {"first_line": first}, line=row.line)
            )
        members.append(member)
    if errors:
        raise BadInput(errors)
    if not members:
        raise BadInput([FieldError("file", "empty_file")])
    return MembersFile(members, encoding)


def _names(row: Row) -> list[str]:
    """Our name of each column, by its heading."""
    names = [_HEADINGS.get(heading(cell), "") for cell in row.cells]
    errors = [
        FieldError(cell[:60], "unknown_column", line=row.line)
        for cell, name in zip(row.cells, names, strict=True)
        if not name
    ]
    errors += [
        FieldError(row.cells[place][:60], "given_twice", line=row.line)
        for place, name in enumerate(names)
        if name and name in names[:place]
    ]
    errors += [
        FieldError(COLUMNS[name][0], "missing_column", line=row.line)
        for name in REQUIRED
        if name not in names
    ]
    if errors:
        raise BadInput(errors)
    return names


def _member(
    row: Row, names: Sequence[str], titles: Sequence[str], schemes: AbstractSet[str]
) -> tuple[Member | None, list[FieldError]]:
    if len(row.cells) != len(names):
        params = {"expected": len(names), "found": len(row.cells)}
        return None, [FieldError("file", "wrong_columns", params, line=row.line)]
    reader = RowReader(
        cells=dict(zip(names, (cell.strip() for cell in row.cells), strict=True)),
        titles=dict(zip(names, titles, strict=True)),
        line=row.line,
        schemes=schemes,
    )
    member = reader.member()
    return (None if reader.errors else member), reader.errors
