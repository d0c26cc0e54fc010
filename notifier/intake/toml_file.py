"""TOML files that people write: in UTF-8, with or without a byte order mark."""

import tomllib
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from notifier.model.errors import BadInput, FieldError

from .card_numbers import refuse_card_numbers


def read_toml(data: bytes, field: str = "file") -> dict[str, Any]:
    """The table of a file. Raises :class:`BadInput` about ``field``, or naming each value that
    holds NUL or a card number.
    """
    if not data.removeprefix(b"\xef\xbb\xbf").strip():
        raise BadInput([FieldError(field, "empty_file")])
    try:
        table = tomllib.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput([FieldError(field, "bad_encoding")]) from None
    except (ValueError, RecursionError) as problem:  # ValueError: what it calls a date is none
        why = {"value": str(problem)[:100]}
        raise BadInput([FieldError(field, "not_toml", why)]) from None
    refuse_card_numbers("", table)
    return table


def wrong_keys(
    table: Mapping[str, Any], needed: Collection[str], known: Collection[str] = (), path: str = ""
) -> Iterator[FieldError]:
    """Keys that a table lacks, and those that mean nothing in it."""
    for name in needed:
        if name not in table:
            yield FieldError(f"{path}{name}", "missing")
    for name in sorted(table.keys() - {*needed, *known}):
        yield FieldError(f"{path}{name}", "unknown")


def plain(value: Any) -> Any:
    """A value as JSON has it: days in ISO form. A moment or a time of day is no day."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    return [plain(part) for part in value] if isinstance(value, list) else value
