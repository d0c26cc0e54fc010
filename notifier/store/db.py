"""The connection to PostgreSQL and the few helpers that every noun uses."""

import asyncio
import random
import types
import typing
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .direct import Direct
from .failures import is_conflict

Params = Mapping[str, Any]
_K = TypeVar("_K")
_T = TypeVar("_T")
_TRIES: Final = 6
_PAUSE: Final = 0.05  # seconds, doubled each time
#: By what a field holds. Whole numbers go as the widest; a narrower column takes them.
_TYPES: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "bigint",
    str: "text",  # and every StrEnum
    bytes: "bytea",
    datetime: "timestamptz",
    date: "date",
    UUID: "uuid",
}


def connect(url: str, *, size: int = 10) -> AsyncEngine:
    """An engine with a pool of ``size`` connections; those that the server closed are replaced.

    Commits wait for the disk, whatever the server is set to: a permit that a crash takes back is
    a mail that goes out twice.
    """
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=size,
        pool_pre_ping=True,
        hide_parameters=True,  # they are personal data; an error must not quote them
        connect_args={
            "server_settings": {"timezone": "UTC", "jit": "off", "synchronous_commit": "on"}
        },
    )


async def in_transaction(
    engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[_T]]
) -> _T:
    """Do work in a transaction of its own; again, at most six times, where it lost a race."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with engine.begin() as conn:
                return await work(conn)
        except Exception as problem:
            if attempt == _TRIES or not is_conflict(problem):
                raise
        await asyncio.sleep(_PAUSE * 2**attempt * random.random())  # noqa: S311 (no secret)
    raise AssertionError("unreachable")


@lru_cache(maxsize=1024)
def _text(sql: str) -> TextClause:
    return text(sql)  # looks for parameters in all of it


def dumps(value: Any) -> str:
    """JSON text for a ``jsonb`` parameter."""
    return orjson.dumps(value).decode()


def loads(value: Any) -> Any:
    """A ``jsonb`` column of a textual query."""
    return orjson.loads(value) if isinstance(value, str | bytes) else value


async def rows(
    conn: AsyncConnection | Direct, sql: str, params: Params | None = None
) -> Sequence[RowMapping]:
    """All rows of a query. On a :class:`Direct` it commits by itself."""
    if isinstance(conn, Direct):
        return cast("Sequence[RowMapping]", await conn.rows(sql, params or {}))
    return (await conn.execute(_text(sql), params or {})).mappings().all()


async def fetch(
    conn: AsyncConnection | Direct, of: type[_T], sql: str, params: Params | None = None
) -> list[_T]:
    """All rows of a query as values of a type, whose fields are named as the columns.

    A field that holds an enumeration, or a frozen set of it, is read as such, and one of type
    ``Any`` as JSON.
    """
    take, readers = _shape(cast("Hashable", of))
    found = await rows(conn, sql, params)
    if not readers:
        return [of(*take(r)) for r in found]
    return [of(*_read(take(r), readers)) for r in found]


async def fetch_one(
    conn: AsyncConnection, of: type[_T], sql: str, params: Params | None = None
) -> _T | None:
    """The first row of a query as :func:`fetch` gives it, or None."""
    found = await fetch(conn, of, sql, params)
    return found[0] if found else None


@lru_cache(maxsize=256)
def _shape(
    of: Hashable,
) -> tuple[Callable[[Any], tuple[Any, ...]], Mapping[int, Callable[[Any], Any]]]:
    """What takes a row's values for a type, and by place what reads those that need it."""
    hints = _hints(of)
    readers = {n: _reader(hint) for n, hint in enumerate(hints.values())}
    return itemgetter(*hints), {n: reader for n, reader in readers.items() if reader}


def _reader(hint: Any) -> Callable[[Any], Any] | None:
    if hint is Any:
        return loads
    if typing.get_origin(hint) is frozenset:
        (of,) = typing.get_args(hint)
        return lambda values: frozenset(map(of, values))
    return hint if isinstance(hint, type) and issubclass(hint, Enum) else None


def _read(values: Sequence[Any], readers: Mapping[int, Callable[[Any], Any]]) -> Sequence[Any]:
    read = list(values)
    for n, reader in readers.items():
        if read[n] is not None:
            read[n] = reader(read[n])
    return read


def _hints(of: Any) -> dict[str, Any]:
    """The fields of a dataclass or named tuple with their types, None left out."""
    named = [f.name for f in fields(of)] if is_dataclass(of) else of._fields
    hints = typing.get_type_hints(of)
    return {name: _without_none(hints[name]) for name in named}


def _without_none(hint: Any) -> Any:
    if not isinstance(hint, types.UnionType):
        return hint
    (only,) = (one for one in typing.get_args(hint) if one is not type(None))
    return only


async def row(conn: AsyncConnection, sql: str, params: Params | None = None) -> RowMapping | None:
    """The first row of a query, or None."""
    return (await conn.execute(_text(sql), params or {})).mappings().first()


async def scalar(conn: AsyncConnection, sql: str, params: Params | None = None) -> Any:
    """The first column of the first row, or None."""
    return (await conn.execute(_text(sql), params or {})).scalar()


async def run(conn: AsyncConnection, sql: str, params: Params | None = None) -> int:
    """Run a statement; the number of rows it touched."""
    return (await conn.execute(_text(sql), params or {})).rowcount


async def run_all(conn: AsyncConnection, sql: str, items: Iterable[Any], **params: Any) -> int:
    """Run a set-based statement with items as its ``:rows``; without any it is not run."""
    given = list(items)
    return await run(conn, sql, {**params, "rows": dumps(given)}) if given else 0


async def rows_all(
    conn: AsyncConnection, sql: str, items: Iterable[Any], **params: Any
) -> Sequence[RowMapping]:
    """Return the rows of a set-based statement with items as its ``:rows``; of none, none."""
    given = list(items)
    return await rows(conn, sql, {**params, "rows": dumps(given)}) if given else ()


def grouped(pairs: Iterable[tuple[_K, _T]]) -> dict[_K, list[_T]]:
    """Key → its values, in their order."""
    answer: dict[_K, list[_T]] = {}
    for key, value in pairs:
        answer.setdefault(key, []).append(value)
    return answer


def record(rows_: Iterable[Params]) -> dict[str, str]:
    """Rows as the single JSON parameter ``:rows`` of a set-based statement."""
    return {"rows": dumps(list(rows_))}


class Columns:
    """Rows of one type as arrays, one for each field: a list of the columns stands only there.

    ``source`` is the table expression ``unnest(…) AS given(field, …)``, ``names`` the list of its
    columns, and :meth:`params` holds the arrays. A field named in ``kinds`` has the type of
    PostgreSQL that is given there; text for ``bytea`` goes as UTF-8, with what UTF-8 cannot say
    replaced.
    """

    def __init__(self, of: type, **kinds: str) -> None:
        self._kinds = {name: kinds.get(name) or _kind(hint) for name, hint in _hints(of).items()}
        self.names = ", ".join(self._kinds)
        arrays = ", ".join(f"CAST(:each_{n} AS {kind}[])" for n, kind in self._kinds.items())
        self.source = f"unnest({arrays}) AS given({self.names})"

    def params(self, items: Sequence[Any]) -> dict[str, list[Any]]:
        """The parameters of the statement, for the items in their order."""
        return {
            f"each_{name}": _values(kind, (getattr(item, name) for item in items))
            for name, kind in self._kinds.items()
        }


def _values(kind: str, values: Iterable[Any]) -> list[Any]:
    if kind != "bytea":
        return list(values)
    return [v.encode("utf-8", "replace") if isinstance(v, str) else v for v in values]


def _kind(hint: type) -> str:
    return next(name for known, name in _TYPES.items() if issubclass(hint, known))
