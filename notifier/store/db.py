"""The connection to PostgreSQL and the few helpers that every noun uses."""

import asyncio
import random
import types
import typing
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final, TypeVar, cast
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from .direct import Direct

Params = Mapping[str, Any]
_T = TypeVar("_T")
#: Deadlock and serialization failure: the same transaction once more goes through.
_LOST_A_RACE: Final = frozenset({"40P01", "40001"})
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


def lost_a_race(error: BaseException) -> bool:
    """Whether a transaction was only ended in favour of another one (by SQLSTATE)."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state in _LOST_A_RACE


async def in_transaction(
    engine: AsyncEngine, work: Callable[[AsyncConnection], Awaitable[_T]]
) -> _T:
    """Do work in a transaction of its own; again, at most six times, where it lost a race."""
    for attempt in range(1, _TRIES + 1):
        try:
            async with engine.begin() as conn:
                return await work(conn)
        except DBAPIError as problem:
            if attempt == _TRIES or not lost_a_race(problem):
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


async def row(conn: AsyncConnection, sql: str, params: Params | None = None) -> RowMapping | None:
    """The first row of a query, or None."""
    return (await conn.execute(_text(sql), params or {})).mappings().first()


async def scalar(conn: AsyncConnection, sql: str, params: Params | None = None) -> Any:
    """The first column of the first row, or None."""
    return (await conn.execute(_text(sql), params or {})).scalar()


async def run(conn: AsyncConnection, sql: str, params: Params | None = None) -> int:
    """Run a statement; the number of rows it touched."""
    return (await conn.execute(_text(sql), params or {})).rowcount


def record(rows_: Iterable[Params]) -> dict[str, str]:
    """Rows as the single JSON parameter ``:rows`` of a set-based statement."""
    return {"rows": dumps(list(rows_))}


class Columns:
    """Rows of one type as arrays, one for each field: a list of the columns stands only there.

    ``source`` is the table expression ``unnest(…) AS given(field, …)``, ``names`` the list of its
    columns, and :meth:`params` holds the arrays. A field named in ``types`` has the type of
    PostgreSQL that is given there; text for ``bytea`` goes as UTF-8, with what UTF-8 cannot say
    replaced.
    """

    def __init__(self, of: type, **types: str) -> None:
        hints = typing.get_type_hints(of)
        named = [f.name for f in fields(of)] if is_dataclass(of) else list(of._fields)  # type: ignore[attr-defined]
        self._types = {name: types.get(name) or _type_of(hints[name]) for name in named}
        self.names = ", ".join(named)
        arrays = ", ".join(f"CAST(:each_{n} AS {t}[])" for n, t in self._types.items())
        self.source = f"unnest({arrays}) AS given({self.names})"

    def params(self, items: Sequence[Any]) -> dict[str, list[Any]]:
        """The parameters of the statement, for the items in their order."""
        return {
            f"each_{name}": _values(kind, (getattr(item, name) for item in items))
            for name, kind in self._types.items()
        }


def _values(kind: str, values: Iterable[Any]) -> list[Any]:
    if kind != "bytea":
        return list(values)
    return [v.encode("utf-8", "replace") if isinstance(v, str) else v for v in values]


def _type_of(hint: Any) -> str:
    if isinstance(hint, types.UnionType):  # with None
        (hint,) = (a for a in typing.get_args(hint) if a is not type(None))
    return next(name for known, name in _TYPES.items() if issubclass(hint, known))
