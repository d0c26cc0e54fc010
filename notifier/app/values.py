"""Rows of the record as typed values of use cases."""

from collections.abc import Hashable
from dataclasses import fields
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_type_hints

_T = TypeVar("_T")


def value_of(kind: type[_T], row: object, **more: Any) -> _T:
    """Make a dataclass from the values of a row that are named as its fields, and from ``more``."""
    found = {
        name: _as(enum, getattr(row, name))
        for name, enum in _enums(cast("Hashable", kind)).items()
        if name not in more
    }
    return kind(**found, **more)


def _as(enum: type[Enum] | None, value: Any) -> Any:
    return value if enum is None or value is None else enum(value)


@cache
def _enums(kind: Any) -> dict[str, type[Enum] | None]:
    """Each field, with the enum that its values belong to."""
    hints = get_type_hints(kind)
    return {f.name: _enum(hints[f.name]) for f in fields(kind)}


def _enum(hint: Any) -> type[Enum] | None:
    kinds = [k for k in get_args(hint) or (hint,) if k is not NoneType]
    [only] = kinds if len(kinds) == 1 else [None]
    return only if isinstance(only, type) and issubclass(only, Enum) else None
