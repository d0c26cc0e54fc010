"""The feed tells every change once, in the order of the log, however late it is committed."""

import asyncio
import random

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.change import TOLD, Change
from notifier.model.message import public_number
from notifier.model.states import State
from notifier.store.db import rows
from notifier.webhooks.feed import Feed, UnknownPosition
from tests.webhooks.conftest import Desk, move

_SENT = (State.CLAIMED, State.SENDING, State.SENT)


async def _all(feed: Feed, after: int = 0, **more: object) -> list[Change]:
    found: list[Change] = []
    while True:
        page = await feed.read(after, **more)  # type: ignore[arg-type]
        found += page.changes
        assert page.next >= after
        after = page.next
        if not page.more:
            return found


def _moves(found: list[Change]) -> list[tuple[str, str | None, str]]:
    return [(c.message, c.before, c.after) for c in found]


async def test_what_became_of_a_message(engine: AsyncEngine, desk: Desk) -> None:
    [one] = await desk.make()
    await desk.move([one], *_SENT, State.BOUNCED)
    found = await _all(Feed(engine))
    name = public_number(one)
    assert _moves(found) == [
        (name, None, "queued"),
        (name, "sending", "sent"),
        (name, "sent", "bounced"),
    ]
    assert [c.evidence for c in found] == [None, "relay_accepted", None]
    assert (found[0].member_no, found[0].notice, found[0].step) == ("M0000", "card_error", "first")
    assert [key.source for key in found[0].events] == ["billing.example.jp"]


async def test_a_claim_given_back_is_not_told(engine: AsyncEngine, desk: Desk) -> None:
    ids = await desk.make()
    await desk.move(ids, State.CLAIMED, State.QUEUED, State.CANCELLED)
    assert [c.after for c in await _all(Feed(engine))] == ["queued", "cancelled"]


async def test_pages_go_on_where_the_last_one_ended(engine: AsyncEngine, desk: Desk) -> None:
    ids = await desk.make(7)
    await desk.move(ids, State.CANCELLED)
    feed = Feed(engine)
    whole = await _all(feed)
    assert len(whole) == 14
    assert await _all(feed, limit=3) == whole
    middle = int(whole[5].position)
    assert await _all(feed, after=middle) == whole[6:]
    only = await _all(feed, states=[State.CANCELLED])
    assert only == [c for c in whole if c.after == "cancelled"]
    assert await _all(feed, after=await feed.end()) == []


async def test_each_source_is_told_of_its_own(engine: AsyncEngine, desk: Desk) -> None:
    await desk.make(2)
    other = await desk.make(3, source="other.example.jp")
    feed = Feed(engine)
    found = await _all(feed, source="other.example.jp")
    assert [c.message for c in found] == [public_number(i) for i in other]
    assert {key.source for c in found for key in c.events} == {"other.example.jp"}
    assert len(await _all(feed)) == 5
    assert await _all(feed, source="nobody.example.jp") == []


async def test_a_position_that_was_never_given(engine: AsyncEngine, desk: Desk) -> None:
    await desk.make()
    with pytest.raises(UnknownPosition):
        await Feed(engine).read(10**9)


async def test_an_empty_log_has_an_end(engine: AsyncEngine, desk: Desk) -> None:
    feed = Feed(engine)
    page = await feed.read(0)
    assert (page.changes, page.more) == ((), False)
    await desk.make()
    assert len(await _all(feed, after=page.next)) == 1


async def test_what_commits_late_is_not_skipped(engine: AsyncEngine, desk: Desk) -> None:
    """The move with the smaller position is committed last."""
    early, late = await desk.make(2)
    feed = Feed(engine)
    start = await feed.end()
    async with engine.connect() as slow:
        running = await slow.begin()
        await move(slow, [late], State.CANCELLED)
        await desk.move([early], State.CANCELLED)
        page = await feed.read(start)
        assert page.changes == ()  # it is committed, but what stands before it is not
        await running.commit()
    found = await _all(feed, after=page.next)
    assert [c.message for c in found] == [public_number(late), public_number(early)]


async def test_of_a_transaction_that_wrote_before_it_moved(engine: AsyncEngine, desk: Desk) -> None:
    """Its id is smaller than the other's, its position greater: ordered by ids they would swap."""
    first, other = await desk.make(2)
    feed = Feed(engine)
    start = await feed.end()
    async with engine.connect() as slow:
        running = await slow.begin()
        await move(slow, [first], State.CANCELLED)
        await desk.move([other], State.CLAIMED, State.QUEUED)
        await move(slow, [other], State.CANCELLED)
        assert (await feed.read(start)).changes == ()
        await running.commit()
    names = {public_number(first): "first", public_number(other): "other"}
    found = await _all(feed, after=start)
    assert [(names[c.message], c.after) for c in found] == [
        ("first", "cancelled"),
        ("other", "cancelled"),
    ]


async def test_a_transaction_that_comes_to_nothing_holds_nothing_back(
    engine: AsyncEngine, desk: Desk
) -> None:
    one, two = await desk.make(2)
    feed = Feed(engine)
    start = await feed.end()
    async with engine.connect() as slow:
        running = await slow.begin()
        await move(slow, [one], State.CANCELLED)
        await desk.move([two], State.CANCELLED)
        await running.rollback()
    assert _moves(await _all(feed, after=start)) == [(public_number(two), "queued", "cancelled")]


async def test_readers_beside_many_writers_miss_nothing(engine: AsyncEngine, desk: Desk) -> None:
    """Transactions of all lengths overlap; three readers poll meanwhile, one by small pages."""
    chance = random.Random(6)
    ids = await desk.make(120)
    over = asyncio.Event()

    async def write(mine: list[int]) -> None:
        while mine:
            some = [mine.pop() for _ in range(min(len(mine), chance.randint(1, 5)))]
            async with engine.connect() as conn:
                running = await conn.begin()
                for one in some:
                    await move(conn, [one], State.CANCELLED)
                    await asyncio.sleep(chance.random() / 50)
                await (running.rollback() if chance.random() < 0.2 else running.commit())

    async def read(limit: int) -> list[str]:
        feed, after, found = Feed(engine), 0, []
        while True:
            was_over = over.is_set()
            page = await feed.read(after, limit=limit)
            found += [c.position for c in page.changes]
            after = page.next
            if was_over and not page.more:
                return found

    readers = [asyncio.create_task(read(limit)) for limit in (2, 20, 1000)]
    await asyncio.gather(*(write(ids[n::6]) for n in range(6)))
    over.set()
    told = await asyncio.gather(*readers)
    async with engine.connect() as conn:
        sql = """SELECT position FROM log WHERE kind = 'move' AND after = ANY(CAST(:told AS text[]))
                 ORDER BY position"""
        logged = [str(r["position"]) for r in await rows(conn, sql, {"told": list(TOLD)})]
    assert all(one == logged for one in told)
