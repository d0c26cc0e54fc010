"""Requests that come together share a commit; each has its own answer, and takes none down."""

import asyncio
from collections.abc import Sequence

from notifier.app.event_intake import Receipt
from notifier.model.actor import Actor, ActorKind
from notifier.model.errors import BadInput, Conflict
from notifier.model.event import Event
from notifier.store.failures import is_refused
from tests.cases.conftest import ACTOR, Office, office
from tests.samples import charge_failed

__all__ = ("office",)

Answer = list[Receipt] | BaseException


async def _at_once(office: Office, *requests: Sequence[Event]) -> list[Answer]:
    office.hand.time = max(e.time for events in requests for e in events)
    asked = (office.acceptor.accept(events, ACTOR) for events in requests)
    return await asyncio.gather(*asked, return_exceptions=True)


async def _recorded(office: Office) -> dict[str, int]:
    """Ids of events on record and the transaction that committed each."""
    found = await office.rows("SELECT id, CAST(CAST(xmin AS text) AS bigint) AS by FROM events")
    return {r["id"]: r["by"] for r in found}


def _failed(n: int, event_id: str) -> Event:
    return charge_failed(f"M{n:04d}", id=event_id)


async def test_requests_that_come_together_share_a_commit(office: Office) -> None:
    answers = await _at_once(office, *([_failed(n, f"e{n}")] for n in range(1, 8)))
    recorded = await _recorded(office)
    assert [a[0].id for a in answers if isinstance(a, list)] == [f"e{n}" for n in range(1, 8)]
    assert len(recorded) == 7
    assert len(set(recorded.values())) == 3  # two alone, which came first, and the others meanwhile
    assert len(await office.messages()) == 7


async def test_a_bad_one_takes_none_of_the_others_down(office: Office) -> None:
    await office.change("ALTER TABLE events ADD CHECK (id <> 'refused')")
    await office.accept(_failed(1, "known"))
    answers = await _at_once(
        office,
        [_failed(1, "first")],
        [_failed(2, "fine")],
        [_failed(99, "stranger")],
        [_failed(3, "half"), _failed(98, "other half")],
        [_failed(2, "known")],
        [_failed(4, "refused")],
        [_failed(5, "last"), _failed(6, "beside it")],
    )
    first, fine, stranger, half, known, refused, last = answers
    assert {*await _recorded(office)} == {"known", "first", "fine", "last", "beside it"}
    assert [isinstance(a, list) for a in (first, fine, last)] == [True] * 3
    assert isinstance(stranger, BadInput)
    assert [(e.index, e.code) for e in stranger.errors] == [(0, "unknown_member")]
    assert isinstance(half, BadInput)
    assert [(e.index, e.code) for e in half.errors] == [(1, "unknown_member")]
    assert isinstance(known, Conflict)
    assert isinstance(refused, Exception)
    assert is_refused(refused)


async def test_the_same_event_twice_at_once_is_one(office: Office) -> None:
    event, other = _failed(1, "twice"), _failed(2, "twice")
    _, one, two, contradiction = await _at_once(
        office, [_failed(3, "a")], [event], [event], [other]
    )
    assert isinstance(one, list)
    assert one == two
    assert isinstance(contradiction, Conflict)
    assert len(await office.messages()) == 2


async def test_each_is_on_record_under_its_own_actor(office: Office) -> None:
    others = Actor(ActorKind.KEY, "another")
    office.hand.time = _failed(1, "x").time
    await asyncio.gather(
        *(office.acceptor.accept([_failed(n, f"a{n}")], ACTOR) for n in (1, 2)),
        *(office.acceptor.accept([_failed(n, f"b{n}")], others) for n in (3, 4)),
    )
    found = await office.rows("SELECT id, actor FROM events ORDER BY id")
    assert [(r["id"][0], r["actor"]) for r in found] == [
        *[("a", str(ACTOR))] * 2,
        *[("b", str(others))] * 2,
    ]


async def test_whoever_hangs_up_takes_nobody_along(office: Office) -> None:
    office.hand.time = _failed(1, "x").time
    asked = [
        asyncio.create_task(office.acceptor.accept([_failed(n, f"e{n}")], ACTOR))
        for n in range(1, 5)
    ]
    await asyncio.sleep(0)
    asked[0].cancel()
    asked[2].cancel()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(a, list) for a in answers] == [False, True, False, True]
    await office.acceptor.close()
    assert {"e2", "e4"} <= (await _recorded(office)).keys()
