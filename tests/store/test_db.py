"""Rows as typed values, and lists of columns that come from a type."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.states import State
from notifier.store.db import Columns, fetch, fetch_one

_AT = datetime(2025, 7, 28, 0, 0, tzinfo=UTC)


class Given(NamedTuple):
    number: int
    state: State
    at: datetime | None
    day: date
    body: bytes
    words: str
    sure: bool | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Fewer fields than the query has columns, and in another order."""

    state: State
    number: int
    facts: Any
    at: datetime | None


def test_a_column_for_each_field_stands_once() -> None:
    columns = Columns(Given, words="bytea")
    assert columns.names == "number, state, at, day, body, words, sure"
    assert columns.source == (
        "unnest(CAST(:each_number AS bigint[]), CAST(:each_state AS text[]),"
        " CAST(:each_at AS timestamptz[]), CAST(:each_day AS date[]),"
        " CAST(:each_body AS bytea[]), CAST(:each_words AS bytea[]),"
        " CAST(:each_sure AS boolean[])) AS given(number, state, at, day, body, words, sure)"
    )


def test_words_that_no_encoding_knows_are_kept_as_bytes() -> None:
    half = Given(1, State.SENT, _AT, _AT.date(), b"\x00", "550 \ud83d no\x00")
    assert Columns(Given, words="bytea").params([half])["each_words"] == [b"550 ? no\x00"]


async def test_values_come_back_as_they_went(engine: AsyncEngine) -> None:
    columns = Columns(Given)
    given = [
        Given(1, State.SENT, _AT, _AT.date(), b"\x00", "a", sure=True),
        Given(2, State.HELD, None, _AT.date(), b"", ""),
    ]
    async with engine.connect() as conn:
        sql = f"SELECT * FROM {columns.source} ORDER BY number"
        assert await fetch(conn, Given, sql, columns.params(given)) == given
        assert await fetch(conn, Given, sql, columns.params([])) == []


async def test_states_and_json_are_read(engine: AsyncEngine) -> None:
    sql = """SELECT 7 AS number, 'queued' AS state, CAST('{"yen": 400}' AS jsonb) AS facts,
                 CAST(NULL AS timestamptz) AS at, 'nobody asks' AS more"""
    async with engine.connect() as conn:
        found = await fetch_one(conn, Found, sql)
        assert found == Found(State.QUEUED, 7, {"yen": 400}, None)
        assert isinstance(found.state, State)
        assert await fetch_one(conn, Found, f"SELECT * FROM ({sql}) x WHERE number = 8") is None
