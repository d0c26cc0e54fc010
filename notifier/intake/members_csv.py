"""The member register as a CSV file: all of it, or a list of every bad row."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.member import Member
from notifier.model.register import NOTHING, new_member

from .member_row import COLUMNS, TOGETHER, RegisterRow, RowReader, unfit
from .text_file import Row, decode, heading, read_rows

_HEADINGS: Final[Mapping[str, str]] = MappingProxyType(
    {heading(alias): name for name, aliases in COLUMNS.items() for alias in (name, *aliases)}
)


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """What a file says of members, in its order: only of the columns that it has."""

    rows: list[RegisterRow]
    titles: Mapping[str, str]  # the headings as written, by our name of the column
    encoding: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class MembersFile:
    """The members of a file that says all of them, in its order, and the encoding it was in."""

    members: list[Member]
    encoding: str


def read_members(data: bytes, schemes: AbstractSet[str]) -> MembersFile:
    """The members of a file as if none of them were on record; arguments and errors as below."""
    found = read_register(data, schemes)
    if "name" not in found.titles:
        raise BadInput([FieldError(COLUMNS["name"][0], "missing_column", line=1)])
    given = [(row, row.over(NOTHING)) for row in found.rows]
    errors = [error for row, values in given for error in unfit(values, row.line, found.titles)]
    if errors:
        raise BadInput(errors)
    return MembersFile([new_member(row.member_no, v) for row, v in given], found.encoding)


def read_register(data: bytes, schemes: AbstractSet[str]) -> RegisterFile:
    """The rows of a CSV file in UTF-8 (with or without BOM) or CP932.

    ``schemes`` are the keys of the registered schemes. Raises :class:`BadInput` naming every bad
    cell by line, column heading and code; then nothing of the file is to be used.
    """
    text, encoding = decode(data)
    lines = read_rows(text)
    titles = lines[0].cells
    names = _names(lines[0])
    errors: list[FieldError] = []
    rows: list[RegisterRow] = []
    first_lines: dict[str, int] = {}
    for line in lines[1:]:
        row, wrong = _row(line, names, titles, schemes)
        place = names.index("member_no")
        number = row.member_no if row is not None else "".join(line.cells[place : place + 1])
        errors += wrong
        if (first := first_lines.setdefault(number.strip(), line.line)) != line.line and number:
            params = {"first_line": first}
            errors.append(FieldError(titles[place], "duplicate_in_file", params, line=line.line))
        if row is not None:
            rows.append(row)
    if errors:
        raise BadInput(errors)
    if not rows:
        raise BadInput([FieldError("file", "no_rows")])
    known = dict(zip(names, titles, strict=True))
    return RegisterFile(rows, known, encoding, sha256(data).digest())


def _names(row: Row) -> list[str]:
    """Our name of each column, by its heading."""
    names = [_HEADINGS.get(heading(cell), "") for cell in row.cells]
    errors = [
        FieldError(cell[:60] or f"列{place}", "unknown_column", line=row.line)
        for place, (cell, name) in enumerate(zip(row.cells, names, strict=True), 1)
        if not name
    ]
    errors += [
        FieldError(row.cells[place][:60], "given_twice", line=row.line)
        for place, name in enumerate(names)
        if name and name in names[:place]
    ]
    needed = ["member_no", *(TOGETHER if {*TOGETHER} & {*names} else ())]
    errors += [
        FieldError(COLUMNS[name][0], "missing_column", line=row.line)
        for name in needed
        if name not in names
    ]
    if not errors and len(names) == 1:
        errors.append(FieldError("file", "nothing_but_numbers", line=row.line))
    if errors:
        raise BadInput(errors)
    return names


def _row(
    row: Row, names: Sequence[str], titles: Sequence[str], schemes: AbstractSet[str]
) -> tuple[RegisterRow | None, list[FieldError]]:
    if len(row.cells) != len(names):
        params = {"expected": len(names), "found": len(row.cells)}
        return None, [FieldError("file", "wrong_columns", params, line=row.line)]
    reader = RowReader(
        cells=dict(zip(names, (cell.strip() for cell in row.cells), strict=True)),
        titles=dict(zip(names, titles, strict=True)),
        line=row.line,
        schemes=schemes,
    )
    return reader.row(), reader.errors
