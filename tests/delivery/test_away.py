"""PostgreSQL away for moments, and workers that the record has buried."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.process import deliver
from notifier.demo.post_office import Rule, Stage
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store.db import connect, rows, run
from notifier.store.direct import Direct
from notifier.store.failures import Failure, failure_of
from tests.delivery.rig import Rig, eventually

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
    assert failure_of(direct.value) is Failure.AWAY
    with pytest.raises(DBAPIError) as pooled:
        await crowded.connect()
    assert failure_of(pooled.value) is Failure.AWAY


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


async def test_a_claim_that_a_crash_took_back_is_not_sent_twice(rig: Rig) -> None:
    """Claims do not wait for the disk: after a crash of the database they may never have been."""
    rig.relay = rig.relay.model_copy(update={"connections": 2})
    rig.office.rules.set(
        Rule(stage=Stage.END, address="short@*", delay=1.0),
        Rule(stage=Stage.END, address="long@*", delay=1.5),
    )
    short, long = [await rig.register(email=f"{n}@example.jp") for n in ("short", "long")]
    flying = [await rig.send(to=short), await rig.send(to=long)]
    in_hand = await rig.send(to=long)
    async with rig.at_work(Lane.STANDARD):
        for message_id in flying:
            await rig.until(message_id, State.SENDING)
        await rig.until(in_hand, State.CLAIMED)
        await rig.run(
            """UPDATE messages SET state = 'queued', fence = fence - 1, worker_id = NULL,
               lease_until = NULL WHERE message_id = :id AND state = 'claimed'""",
            id=in_hand,
        )
        rig.bells[Lane.STANDARD].set()
        await rig.until(in_hand, State.CLAIMED)
        await rig.until(in_hand, State.SENT)
        for message_id in (*flying, await rig.send()):
            await rig.until(message_id, State.SENT)
    assert len(rig.office.messages) == 4
    assert len(await rig.attempts(in_hand)) == 1


async def test_what_a_stop_finds_half_claimed_is_handed_back(rig: Rig) -> None:
    message_id = await rig.send()
    stop = asyncio.Event()
    async with rig.engine.connect() as conn:
        await conn.exec_driver_sql("LOCK TABLE log IN SHARE ROW EXCLUSIVE MODE")
        task = asyncio.create_task(deliver(rig.station(Lane.STANDARD), stop))
        await eventually(lambda: _blocked(rig))
        stop.set()
        await asyncio.sleep(0.05)  # sending ends meanwhile
        await conn.rollback()
    await asyncio.wait_for(task, 30)
    assert await rig.state(message_id) == (State.QUEUED, Reason.HANDED_BACK)
    assert not [*rig.journals.iterdir()]


async def _blocked(rig: Rig) -> bool:
    found = await rig.rows(
        """SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
           AND wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE SKIP LOCKED%'"""
    )
    return bool(found)


async def test_commits_wait_for_the_disk_whatever_the_server_is_set_to(
    rig: Rig, database_url: str
) -> None:
    name = (await rig.rows("SELECT current_database() AS name"))[0]["name"]
    await rig.run(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    engine = connect(database_url)
    async with engine.connect() as conn:
        found = await rows(conn, "SHOW synchronous_commit")
    await engine.dispose()
    assert found[0]["synchronous_commit"] == "on"
