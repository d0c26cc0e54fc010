"""``GET /v1/decisions``: a feed that no late commit escapes."""

import asyncio
import random

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.decisions import DecisionFeed
from notifier.runtime.parts import Parts
from notifier.store.db import row, rows, run, scalar
from notifier.webhooks.feed import UnknownPosition
from tests.api.test_deliveries import failed
from tests.api.test_events import codes, post, problem_of, submitted
from tests.samples import NOW, SOURCE

_ADD = """
INSERT INTO decisions (event_id, decided_at, outcome, reason, notice, details)
VALUES (:event_id, :now, 'skip', :reason, '', '{}')
"""


async def test_a_page_of_decisions(client: httpx.AsyncClient) -> None:
    await post(client, failed("M0001", id="held"))
    await post(client, submitted("M0002", id="checked"))
    body = (await client.get("/v1/decisions", params={"limit": "1"})).json()
    [first] = body["decisions"]
    assert first == {
        "position": first["position"],
        "source": SOURCE,
        "id": "held",
        "type": "billing.card.charge_failed",
        "member_no": "M0001",
        "outcome": "hold",
        "reason": "deadline_passed",
        "notice": "card_error",
        "message": "M000000001",
        "at": first["at"],
    }
    assert (body["more"], body["next"]) == (True, first["position"])
    rest = (await client.get("/v1/decisions", params={"after": first["position"]})).json()
    assert [(d["id"], d["outcome"], d["message"]) for d in rest["decisions"]] == [
        ("checked", "skip", None)
    ]
    only = (await client.get("/v1/decisions", params={"outcome": "send,skip"})).json()
    assert [d["id"] for d in only["decisions"]] == ["checked"]
    end = (await client.get("/v1/decisions", params={"after": "latest"})).json()
    assert (end["decisions"], end["more"]) == ([], False)


async def test_waiting_ends_with_what_comes(client: httpx.AsyncClient) -> None:
    waiting = asyncio.create_task(client.get("/v1/decisions", params={"wait": "20"}))
    await asyncio.sleep(0.2)
    await post(client, submitted("M0002", id="checked"))
    assert [d["id"] for d in (await waiting).json()["decisions"]] == ["checked"]


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"after": "7"}, ("after", "unknown_position")),  # of the other feed
        ({"after": "d"}, ("after", "unknown_position")),
        ({"after": "d01"}, ("after", "unknown_position")),
        ({"after": "d-1"}, ("after", "unknown_position")),
        ({"limit": "1001"}, ("limit", "not_allowed")),
        ({"outcome": "held"}, ("outcome", "not_allowed")),
        ({"state": "held"}, ("state", "unknown_field")),
        ({"after": ["d1", "d2"]}, ("after", "given_twice")),
    ],
)
async def test_bad_questions(
    client: httpx.AsyncClient, params: dict[str, str], wrong: tuple[str, str]
) -> None:
    body = problem_of(await client.get("/v1/decisions", params=params), 422)
    assert codes(body) == [(None, *wrong)]


async def test_a_position_that_was_never_given(client: httpx.AsyncClient) -> None:
    problem_of(await client.get("/v1/decisions", params={"after": "d123456"}), 410)
    body = problem_of(await client.get("/v1/deliveries", params={"after": "d1"}), 422)
    assert codes(body) == [(None, "after", "unknown_position")]


async def test_each_source_is_told_of_its_own(client: httpx.AsyncClient, parts: Parts) -> None:
    await post(client, submitted("M0002", id="checked"))
    feed = DecisionFeed(parts.engine)
    assert (await feed.read(0, source="other.example.jp")).items == ()
    with pytest.raises(UnknownPosition):
        await feed.read(10**9, source=SOURCE)


async def test_readers_beside_many_writers_miss_nothing(
    client: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    """Transactions of all lengths overlap; what commits late is told, each once and in order."""
    await post(client, submitted("M0001", id="a"))
    chance = random.Random(8)
    over = asyncio.Event()
    async with engine.connect() as conn:
        event = await row(conn, "SELECT event_id FROM events")
    assert event is not None

    async def write(writer: int) -> None:
        for n in range(12):
            async with engine.connect() as conn:
                running = await conn.begin()
                # As whoever decides: it holds the event before it stores what was decided.
                await scalar(conn, "SELECT pg_current_xact_id()")
                params = {"event_id": event["event_id"], "now": NOW, "reason": f"{writer}-{n}"}
                await run(conn, _ADD, params)
                await asyncio.sleep(chance.random() / 50)
                await (running.rollback() if chance.random() < 0.2 else running.commit())

    async def read(limit: int) -> list[str]:
        feed, after, found = DecisionFeed(engine), 0, []
        while True:
            was_over = over.is_set()
            page = await feed.read(after, source=SOURCE, limit=limit)
            found += [d.position for d in page.items]
            after = page.next
            if was_over and not page.more:
                return found

    readers = [asyncio.create_task(read(limit)) for limit in (2, 1000)]
    await asyncio.gather(*(write(n) for n in range(6)))
    over.set()
    told = await asyncio.gather(*readers)
    async with engine.connect() as conn:
        stored = await rows(conn, "SELECT decision_id FROM decisions ORDER BY decision_id")
    assert all(one == [str(r["decision_id"]) for r in stored] for one in told)
