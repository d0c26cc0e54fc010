"""Errors of the database, as the real one raises them, and what each means."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.store.db import connect, run
from notifier.store.direct import Direct
from notifier.store.failures import Failure, failure_of, is_bad_data, passes, sqlstate_of

_RAISE = "DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{}'; END $$"


@pytest.fixture
async def direct(engine: AsyncEngine) -> AsyncIterator[Direct]:
    made = Direct(engine, most=1)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("states", "means"),
    [
        ("08006 57P01 57P02 57P03 57014 53100 53300 25006 25P03 58030", Failure.AWAY),
        ("40001 40P01 55P03", Failure.CONFLICT),
        ("22003 23505 23514 42P01 42501 28000 0A000 P0001 XX000", Failure.REFUSED),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
async def test_the_state_says_what_an_error_means(
    engine: AsyncEngine, direct: Direct, states: str, means: Failure
) -> None:
    for state in states.split():
        with pytest.raises(DBAPIError) as pooled:
            async with engine.begin() as conn:
                await conn.exec_driver_sql(_RAISE.format(state))
        with pytest.raises(asyncpg.PostgresError) as kept:
            await direct.rows(_RAISE.format(state), {})
        for error in (pooled.value, kept.value):
            assert (sqlstate_of(error), failure_of(error)) == (state, means)
            assert is_bad_data(error) is state.startswith(("22", "23"))


async def test_a_session_that_the_server_ended(engine: AsyncEngine) -> None:
    async with engine.connect() as conn, engine.connect() as other:
        pid = await conn.scalar(text("SELECT pg_backend_pid()"))
        await run(other, "SELECT pg_terminate_backend(:pid)", {"pid": pid})
        with pytest.raises(DBAPIError) as ended:
            await conn.scalar(text("SELECT 1"))
        assert failure_of(ended.value) is Failure.AWAY


async def test_a_server_that_is_not_there(database_url: str) -> None:
    gone = connect("postgresql+asyncpg://postgres@127.0.0.1:1/nothing")
    with pytest.raises(OSError) as refused:  # noqa: PT011 (several kinds, by system)
        await gone.connect()
    assert failure_of(refused.value) is Failure.AWAY
    nowhere = connect(database_url.replace("/test_", "/missing_"))
    with pytest.raises(Exception, match="missing") as missing:
        await nowhere.connect()
    assert not passes(missing.value)


async def test_every_connection_is_taken(database_url: str) -> None:
    full = connect(database_url, size=1)
    full.pool._timeout = 0.01  # type: ignore[attr-defined]  # seconds
    async with full.connect(), full.connect():
        with pytest.raises(Exception, match="QueuePool") as waiting:
            await full.connect()
    assert failure_of(waiting.value) is Failure.AWAY
    await full.dispose()


async def test_a_value_that_no_column_holds_is_refused(engine: AsyncEngine) -> None:
    """The driver itself says so, with no state: it is not the database that is away."""
    async with engine.connect() as conn:
        with pytest.raises(DBAPIError) as unfit:
            await run(conn, "SELECT CAST(:n AS integer)", {"n": 2**40})
        assert failure_of(unfit.value) is Failure.REFUSED
        await conn.rollback()


async def test_a_lock_that_did_not_come_in_time_is_a_conflict(engine: AsyncEngine) -> None:
    async with engine.connect() as one, engine.connect() as two:
        await run(one, "LOCK TABLE members IN ACCESS EXCLUSIVE MODE")
        await run(two, "SET lock_timeout = '10ms'")
        with pytest.raises(DBAPIError) as late:
            await run(two, "SELECT 1 FROM members")
        assert failure_of(late.value) is Failure.CONFLICT
        await two.rollback()
        await one.rollback()


def test_errors_of_something_else() -> None:
    assert failure_of(ValueError("x")) is None
    assert failure_of(asyncio.CancelledError()) is None
    assert failure_of(TimeoutError()) is Failure.AWAY
