"""Transactions that lose a race are done again; what else goes wrong is not."""

import asyncio

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.store.db import in_transaction, rows, run
from notifier.store.failures import is_refused


async def test_a_deadlock_ends_with_both_done(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        await run(conn, "CREATE TABLE held (n integer PRIMARY KEY, count integer NOT NULL)")
        await run(conn, "INSERT INTO held VALUES (1, 0), (2, 0)")
    both_have_one = asyncio.Barrier(2)
    tries: list[int] = []

    async def lock(first: int) -> None:
        async def work(conn: AsyncConnection) -> None:
            tries.append(first)
            change = "UPDATE held SET count = count + 1 WHERE n = :n"
            await run(conn, change, {"n": first})
            if len(tries) <= 2:  # later ones meet nobody
                await both_have_one.wait()
            await run(conn, change, {"n": 3 - first})

        await in_transaction(engine, work)

    await asyncio.gather(lock(1), lock(2))
    assert len(tries) == 3
    async with engine.connect() as conn:
        assert [r["count"] for r in await rows(conn, "SELECT * FROM held")] == [2, 2]


async def test_any_other_error_is_raised_at_once(engine: AsyncEngine) -> None:
    tries: list[int] = []

    async def work(conn: AsyncConnection) -> None:
        tries.append(1)
        await run(conn, "SELECT 1 / 0")

    with pytest.raises(DBAPIError) as caught:
        await in_transaction(engine, work)
    assert is_refused(caught.value)
    assert len(tries) == 1
