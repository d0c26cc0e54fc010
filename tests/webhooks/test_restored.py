"""Positions and what becomes of the record: crashes, and older records brought back."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.message import public_number
from notifier.model.states import State
from notifier.runtime.engines import EngineError, Engines
from notifier.runtime.house import House
from notifier.runtime.settings import Settings
from notifier.store.db import connect, run, scalar
from notifier.store.horizon import Horizon, Unsettled
from notifier.store.migrate import upgrade
from notifier.webhooks.feed import Feed
from tests.runtime.test_engines import becomes
from tests.webhooks.conftest import Desk

#: A claim that nobody waits for on the disk, as workers make it.
_CLAIM = """
INSERT INTO log (at, kind, actor, before, after, reason)
SELECT now(), 'move', set_config('synchronous_commit', 'off', true), 'queued', 'claimed', ''
FROM generate_series(1, 500)
"""


async def test_a_position_that_was_told_outlives_a_crash(tmp_path: Path) -> None:
    """What came after the crash would else get positions that a reader has passed already."""
    lazy = {"wal_writer_delay": "10000", "autovacuum": "off"}
    with Engines(Settings(var=tmp_path / "var"), postgres=lazy) as engines:
        await upgrade(engines.urls.migrations)
        engine = connect(engines.urls.migrations)
        async with engine.begin() as conn:
            await run(conn, _CLAIM)
        told = (await Horizon(engine).read()).settled
        assert told == 500
        await engine.dispose()
        postgres = House(tmp_path / "var").postgres
        os.kill(int((postgres.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        assert await asyncio.to_thread(becomes, lambda: not postgres.alive())
        assert await asyncio.to_thread(becomes, lambda: _runs(engines))
        async with engine.connect() as conn:
            assert await scalar(conn, "SELECT last_value FROM log_position_seq") >= told
        await engine.dispose()


def _runs(engines: Engines) -> bool:
    """Whether the server is up again; what the killed one has left may be in the way at first."""
    try:
        engines.ensure()
    except EngineError:
        return False
    return True


async def test_an_older_record_under_a_reader_that_goes_on(
    engines: Engines, engine: AsyncEngine, desk: Desk
) -> None:
    feed, name = Feed(engine), str(engine.url.database)
    ids = await desk.make(3)
    start = await feed.end()
    await engine.dispose()
    server = await asyncpg.connect(engines.database("postgres").replace("+asyncpg", ""))
    await server.execute(f"CREATE DATABASE {name}_kept TEMPLATE {name}")
    await desk.move(ids, State.CLAIMED, State.QUEUED, State.CLAIMED, State.QUEUED)
    assert await feed.settled() > start + 10
    await engine.dispose()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.execute(f"ALTER DATABASE {name}_kept RENAME TO {name}")
    await server.close()
    page = await feed.read(start)
    assert (page.changes, page.next) == ((), start)  # and not where the other record ended
    await desk.move(ids, State.CANCELLED)
    found = await feed.read(page.next)
    assert [c.message for c in found.changes] == [public_number(i) for i in ids]


@pytest.mark.parametrize("busy", [True, False])
async def test_from_now_on_is_not_from_the_beginning(
    engine: AsyncEngine, desk: Desk, busy: bool
) -> None:
    """A reader that has just started knows no end while somebody else's transaction runs."""
    ids = await desk.make(3)
    async with engine.connect() as slow:
        running = await slow.begin()
        if busy:
            await run(slow, "SELECT pg_current_xact_id()")
            with pytest.raises(Unsettled):
                await Feed(engine).end()
        await running.rollback()
    feed = Feed(engine)
    start = await feed.end()
    await desk.move(ids[:1], State.CANCELLED)
    found = await feed.read(start)
    assert [c.message for c in found.changes] == [public_number(ids[0])]
