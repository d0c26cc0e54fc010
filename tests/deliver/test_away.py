"""PostgreSQL away for moments, and workers that the record has buried."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.deliver.away import is_away
from notifier.demo.post_office import Rule, Stage
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store.db import connect, run
from notifier.store.direct import Direct
from tests.deliver.rig import Rig, eventually

_CUT = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND pid <> pg_backend_pid()"""


async def test_cut_connections_lose_nothing_and_double_nothing(rig: Rig, database_url: str) -> None:
    member_id = await rig.register()
    ids = [await rig.send(to=member_id) for _ in range(100)]
    rig.office.rules.set(Rule(stage=Stage.END, delay=0.01))
    knife = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    async with rig.at_work(Lane.STANDARD):
        for n in range(1, 10):
            await rig.office.wait_for(n * 9)
            await knife.execute(_CUT)
        for message_id in ids:
            await rig.until(message_id, State.SENT)
    await knife.close()
    assert Counter(r.message_id for r in rig.office.messages).most_common(1)[0][1] == 1
    assert len(rig.office.messages) == 100


async def test_a_buried_worker_finishes_and_begins_anew(rig: Rig) -> None:
    rig.lease = timedelta(seconds=1.5)
    rig.office.rules.set(Rule(stage=Stage.END, delay=1.5, times=1))
    first = await rig.send()
    async with rig.at_work(Lane.STANDARD):
        await rig.until(first, State.SENDING)
        await rig.run("UPDATE workers SET stopped_at = clock_timestamp()")
        await eventually(lambda: _workers(rig, 2))
        second = await rig.send()
        await rig.until(second, State.SENT)
        await rig.until(first, State.SENT)
    assert await rig.state(second) == ("sent", Reason.ACCEPTED)
    assert len(rig.office.messages) == 2


@pytest.fixture
async def crowded(engine: AsyncEngine, database_url: str) -> AsyncIterator[AsyncEngine]:
    """An engine that the server lets nobody in by, as while it starts up."""
    async with engine.begin() as conn:
        await run(conn, "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
    made = connect(database_url.replace("postgres@", "crowded@"))
    yield made
    await made.dispose()
    async with engine.begin() as conn:
        await run(conn, "DROP ROLE crowded")


async def test_a_server_that_lets_nobody_in_is_away(crowded: AsyncEngine) -> None:
    with pytest.raises(asyncpg.TooManyConnectionsError) as direct:
        await Direct(crowded).rows("SELECT 1", {})
    assert is_away(direct.value)
    with pytest.raises(DBAPIError) as pooled:
        await crowded.connect()
    assert is_away(pooled.value)


async def _workers(rig: Rig, wanted: int) -> bool:
    return len(await rig.rows("SELECT 1 FROM workers")) == wanted


async def test_a_slow_answer_is_not_a_stuck_message(rig: Rig) -> None:
    rig.lease = timedelta(seconds=1)
    rig.office.rules.set(Rule(stage=Stage.END, delay=3, times=1))
    message_id = await rig.send()
    async with rig.at_work(Lane.STANDARD):
        await rig.until(message_id, State.SENDING)
        while (await rig.state(message_id))[0] == State.SENDING:
            await rig.sweep()
            await asyncio.sleep(0.1)
    assert await rig.state(message_id) == ("sent", Reason.ACCEPTED)
