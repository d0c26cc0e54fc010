"""The intake stream on a real Redis: acknowledged after commit, poison kept, nobody held up."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import rejected as app
from notifier.app.event_intake import Acceptor
from notifier.app.rejected import replay
from notifier.model.actor import Actor, ActorKind
from notifier.model.errors import BadInput, NotAllowed, NotFound
from notifier.model.unfinished import PendingEntry
from notifier.runtime.event_stream import GROUP, Stream, StreamReader
from notifier.store import members, rejected, schemes, tasks
from notifier.store.db import loads, rows, run
from tests.samples import NOTICES, NOW, SCHEME, SOURCE, amounts, charge, cloud, member

ACTOR = Actor(ActorKind.USER, "test")
NAME = "events"
AT_ONCE = timedelta(0)


class _Clock:
    def now(self) -> Any:
        return NOW

    async def notify_workers(self, lanes: object) -> None:
        pass


class Billing:
    """The other side of the stream."""

    def __init__(self, url: str, engine: AsyncEngine) -> None:
        self.url, self.engine = url, engine
        self.redis: Redis = Redis.from_url(url)
        self.acceptor = Acceptor(engine, NOTICES, _Clock(), _Clock())
        self.readers: list[StreamReader] = []
        self.stream = Stream(url=url, name=NAME, source=SOURCE)

    def reader(self, consumer: str = "a", **more: Any) -> StreamReader:
        stream = replace(self.stream, **more)
        reader = StreamReader(stream, self.acceptor, self.engine, _Clock(), consumer)
        self.readers.append(reader)
        return reader

    async def replay(self, entry_id: int) -> None:
        await replay(self.engine, self.acceptor, entry_id, source=SOURCE, actor=ACTOR, now=NOW)

    async def close(self) -> None:
        for reader in self.readers:
            await reader.close()
        await self.redis.aclose()

    async def queue(self, *events: dict[str, Any]) -> None:
        for event in events:
            await self.redis.xadd(NAME, {"event": json.dumps(event, ensure_ascii=False)})

    async def pending(self) -> int:
        return int((await self.redis.xpending(NAME, GROUP))["pending"])

    async def pending_entries(self) -> Sequence[PendingEntry]:
        async with self.engine.connect() as conn:
            return await rejected.pending(conn, 10)

    async def close_moot(self) -> None:
        async with self.engine.begin() as conn:
            await tasks.close_moot(conn, actor=ACTOR, now=NOW)

    async def open_tasks(self) -> list[str]:
        async with self.engine.connect() as conn:
            found = await rows(
                conn, "SELECT details->>'field' AS f FROM tasks WHERE state = 'open'"
            )
        return sorted(r["f"] for r in found)

    async def count(self, table: str) -> int:
        async with self.engine.connect() as conn:
            return len(await rows(conn, f"SELECT 1 FROM {table}"))


@pytest.fixture
async def billing(engine: AsyncEngine, intake_redis_url: str) -> AsyncIterator[Billing]:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
        people = [member(f"M{n:04d}") for n in range(1, 6)]
        await members.save(conn, [(m, NOW) for m in people], now=NOW)
    made = Billing(intake_redis_url, engine)
    yield made
    await made.close()


def _submitted(number: str, **more: Any) -> dict[str, Any]:
    return cloud("billing.charge.submitted", charge(number, amounts=amounts()), **more)


async def _drain(reader: StreamReader, steps: int = 3) -> None:
    for _ in range(steps):
        await reader.step()


async def test_events_of_the_stream_are_taken_and_acknowledged(billing: Billing) -> None:
    await billing.queue(*(_submitted(f"M000{n}") for n in range(1, 6)))
    await _drain(billing.reader())
    assert await billing.count("events") == 5
    assert await billing.pending() == 0


async def test_poison_is_kept_with_its_reason_and_holds_nobody_up(billing: Billing) -> None:
    wrong = _submitted("M0002") | {"type": "billing.nothing"}
    foreign = _submitted("M0003") | {"source": "elsewhere.example.jp"}
    await billing.queue(_submitted("M0001"), wrong, _submitted("NOBODY"), foreign)
    await billing.redis.xadd(NAME, {"other": "field"})
    await billing.redis.xadd(NAME, {"event": b"\xff\x00"})
    await billing.queue(_submitted("M0004"))
    await _drain(billing.reader())
    assert await billing.count("events") == 2
    assert await billing.count("rejected_entries") == 5
    assert await billing.pending() == 0
    async with billing.engine.connect() as conn:
        found = await rejected.pending(conn, 10)
    codes = [e["field"] for r in found for e in r.errors]
    assert {"type", "data.member_no", "source"} <= set(codes)
    assert await billing.count("tasks") >= 3


async def test_poison_with_a_name_that_the_record_cannot_hold(billing: Billing) -> None:
    odd = _submitted("M0001")
    odd["data"]["a\0b"] = 1
    await billing.queue(odd, {**_submitted("M0002"), "x\0": "y"})
    await billing.redis.xadd(NAME, {"event": b'{"\\u0000": 1, "\\u0000": 2}'})
    await billing.queue(_submitted("M0004"))
    await _drain(billing.reader())
    assert await billing.count("events") == 1
    assert await billing.count("rejected_entries") == 3
    assert await billing.pending() == 0


async def test_what_the_database_refuses_is_kept_and_holds_nobody_up(billing: Billing) -> None:
    async with billing.engine.begin() as conn:
        await run(conn, "ALTER TABLE events ADD CHECK (id <> 'refused')")
    reader = billing.reader()
    await billing.queue(_submitted("M0001"), _submitted("M0002", id="refused"))
    await billing.queue(_submitted("M0003"))
    await _drain(reader)
    await billing.queue(_submitted("M0004"))
    await _drain(reader)
    assert await billing.count("events") == 3
    assert await billing.pending() == 0
    [entry] = await billing.pending_entries()
    [error] = entry.errors
    assert (error["code"], error["params"]) == ("not_stored", {"value": "23514"})
    assert await billing.open_tasks() == ["body"]


async def test_rejected_entry_can_be_replayed_once_it_fits(billing: Billing) -> None:
    await billing.queue(_submitted("LATER"))
    await _drain(billing.reader())
    async with billing.engine.begin() as conn:
        await members.save(conn, [(member("LATER"), NOW)], now=NOW)
        [entry] = await rejected.pending(conn, 10)
    await billing.replay(entry.entry_id)
    assert await billing.count("events") == 1
    with pytest.raises(NotAllowed):
        await billing.replay(entry.entry_id)


async def test_foreign_event_does_not_come_in_by_replay(billing: Billing) -> None:
    await billing.queue(_submitted("M0001") | {"source": "elsewhere.example.jp"})
    await _drain(billing.reader())
    async with billing.engine.connect() as conn:
        [entry] = await rejected.pending(conn, 10)
    with pytest.raises(BadInput):
        await billing.replay(entry.entry_id)
    assert await billing.count("events") == 0


async def test_contradicting_repeat_is_rejected_and_the_first_stands(billing: Billing) -> None:
    await billing.queue(_submitted("M0001", id="x"), _submitted("M0002", id="x"))
    await _drain(billing.reader())
    assert await billing.count("events") == 1
    assert await billing.count("rejected_entries") == 1


async def test_what_a_dead_consumer_left_is_taken_over(billing: Billing) -> None:
    await billing.queue(_submitted("M0001"))
    await billing.redis.xgroup_create(NAME, GROUP, id="0", mkstream=True)
    taken = await billing.redis.xreadgroup(GROUP, "dead", {NAME: ">"})
    [(_, [(entry, _)])] = taken
    await billing.redis.xclaim(NAME, GROUP, "dead", 0, [entry], idle=3_600_000, justid=True)
    await _drain(billing.reader("alive"))
    assert await billing.count("events") == 1
    assert await billing.pending() == 0


async def test_what_everybody_has_acknowledged_is_trimmed(billing: Billing) -> None:
    redis = billing.redis
    await billing.queue(_submitted("M0001"), _submitted("M0002"), _submitted("NOBODY"))
    await _drain(billing.reader(keep=AT_ONCE))
    assert await redis.xlen(NAME) == 0
    # Another consumer of ours has taken one and not acknowledged it: it and what follows stay.
    await billing.queue(_submitted("M0003"))
    [(_, [(held, _)])] = await redis.xreadgroup(GROUP, "slow", {NAME: ">"})
    await billing.queue(_submitted("M0004"))
    await _drain(billing.reader("b", keep=AT_ONCE))
    assert await billing.count("events") == 3
    assert await redis.xlen(NAME) == 2
    await redis.xack(NAME, GROUP, held)
    # Nor is anything trimmed that another group has not read.
    await redis.xgroup_create(NAME, "watchers", id="0")
    await billing.queue(_submitted("M0005"))
    await _drain(billing.reader("b", keep=AT_ONCE))
    assert await redis.xlen(NAME) == 3
    await redis.xreadgroup("watchers", "w", {NAME: ">"}, count=2)
    assert (await redis.xpending(NAME, "watchers"))["pending"] == 2
    await redis.xack(NAME, "watchers", held)
    await billing.queue(_submitted("M0001"))
    await _drain(billing.reader("b", keep=AT_ONCE))
    assert await redis.xlen(NAME) == 3
    await redis.xgroup_destroy(NAME, "watchers")
    await billing.queue(_submitted("M0002"))
    await _drain(billing.reader("b", keep=AT_ONCE))
    assert await redis.xlen(NAME) == 0
    assert await billing.count("events") == 6


async def test_what_was_acknowledged_stays_for_a_day(billing: Billing) -> None:
    seconds, _ = await billing.redis.time()
    event = json.dumps(_submitted("M0001"))
    for age in (timedelta(hours=25), timedelta(hours=23)):
        moment = (seconds - int(age.total_seconds())) * 1000
        await billing.redis.xadd(NAME, {"event": event}, id=f"{moment}-0")
    await _drain(billing.reader())
    assert await billing.pending() == 0
    assert await billing.redis.xlen(NAME) == 1


async def test_card_number_is_rejected_and_not_kept(billing: Billing) -> None:
    card = "4111\u200b1111 1111-1111"
    await billing.queue(_submitted("M0001") | {"subject": card, "dataschema": f"x{card}/v1"})
    await billing.redis.xadd(NAME, {"event": '{"subject": "\\u0034111111111111111'})
    await billing.redis.xadd(NAME, {"other": "4111111111111111"})
    await _drain(billing.reader())
    async with billing.engine.connect() as conn:
        found = await rows(conn, "SELECT * FROM rejected_entries ORDER BY entry_id")
        raised = await rows(conn, "SELECT * FROM tasks")
    assert [r["masked"] for r in found] == [True] * 3
    kept = [{**r, "origin_id": ""} for r in found]  # the time, which may hold any digits
    assert "1111" not in "".join(str([*r.values(), bytes(r["payload"])]) for r in kept)
    assert "1111" not in str([list(r.values()) for r in raised])
    fields = [e["field"] for e in loads(found[0]["errors"])]
    assert fields == ["dataschema", "subject"]
    with pytest.raises(NotAllowed, match="card number"):
        await billing.replay(found[0]["entry_id"])


async def test_discarded_entries_wait_no_more_and_are_forgotten_in_the_end(
    billing: Billing,
) -> None:
    await billing.queue(*(_submitted("NOBODY") for _ in range(3)), _submitted("M0001") | {"id": ""})
    await _drain(billing.reader())
    four, one, two, three = [r.entry_id for r in await billing.pending_entries()]
    engine, later = billing.engine, NOW + timedelta(days=91)
    with pytest.raises(NotFound):
        await app.discard(engine, [one, 99], "unknown to us", actor=ACTOR, now=NOW)
    with pytest.raises(BadInput):
        await app.discard(engine, [one], " ", actor=ACTOR, now=NOW)
    assert len(await billing.pending_entries()) == 4
    await app.discard(engine, [one, two], "a trial of theirs", actor=ACTOR, now=NOW)
    with pytest.raises(NotAllowed):
        await app.discard(engine, [one], "again", actor=ACTOR, now=NOW)
    with pytest.raises(NotAllowed):
        await billing.replay(one)
    found = await app.show(engine, one)
    assert (found.discarded_by, found.discard_reason) == (str(ACTOR), "a trial of theirs")
    assert json.loads(found.payload)["data"]["member_no"] == "NOBODY"
    await billing.close_moot()
    assert await billing.open_tasks() == ["data.member_no", "id"]
    async with engine.begin() as conn:
        await members.save(conn, [(member("NOBODY"), NOW)], now=NOW)
    await billing.replay(three)
    await billing.close_moot()
    assert await billing.open_tasks() == ["id"]
    assert await app.tidy(engine, keep=timedelta(days=90), now=NOW + timedelta(days=89)) == 0
    assert await app.tidy(engine, keep=timedelta(days=90), now=later) == 3
    assert [r.entry_id for r in await billing.pending_entries()] == [four]
    async with engine.connect() as conn:
        logged = await rows(conn, "SELECT * FROM log WHERE kind = 'rejected' ORDER BY position")
    assert [(r["after"], r["reason"]) for r in logged] == [
        ("discarded", str(one)),
        ("discarded", str(two)),
        ("replayed", str(three)),
    ]


async def test_emptied_redis_is_recreated(billing: Billing) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(billing.reader().run(stop))
    await billing.queue(_submitted("M0001"))
    await _until(billing, 1)
    await billing.redis.flushall()
    await billing.queue(_submitted("M0002"))
    await _until(billing, 2)
    stop.set()
    await running


async def _until(billing: Billing, events: int) -> None:
    async with asyncio.timeout(20):
        while await billing.count("events") < events:  # noqa: ASYNC110 (it is in the record)
            await asyncio.sleep(0.05)
