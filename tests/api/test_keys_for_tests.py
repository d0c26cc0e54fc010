"""Keys for tests: events are decided and rendered; nothing of it becomes real."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from notifier.app.test_mode import KEPT, forget_tests
from notifier.runtime.parts import Parts
from notifier.store import members, test_results
from notifier.store.db import row, rows, run
from tests.api.test_events import BATCH, Json, codes, post, problem_of, submitted
from tests.api.test_outcomes import later, outcome
from tests.samples import NOW, SOURCE, member

#: What a test may leave behind.
_APART = {"test_events", "api_keys", "refused_access", "alembic_version"}


async def whole_record(parts: Parts) -> dict[str, list[Any]]:
    """Every row of every table but those that are kept apart."""
    tables = """SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
                WHERE nspname = 'public' AND relkind IN ('r', 'p') ORDER BY relname"""
    async with parts.engine.connect() as conn:
        names = [r["relname"] for r in await rows(conn, tables)]
        return {
            name: sorted(str(dict(r)) for r in await rows(conn, f'SELECT * FROM "{name}"'))
            for name in names
            if name not in _APART
        }


async def test_nothing_of_a_test_becomes_real(
    client: httpx.AsyncClient, tester: httpx.AsyncClient, parts: Parts
) -> None:
    await post(client, later("M0001", id="real"))  # a case that runs, a message that waits
    before = await whole_record(parts)
    held = later("M0002", id="t2")
    held["data"]["amounts"] = {"lines": [{"kind": "operating_fee", "amount": 400}], "total": 400}
    wrong_fee = submitted("M0003", fee=400, id="t3")  # would make a task and an alert
    settled = {
        "member_no": "M0001",
        "charge_id": "C-M0001",
        "settled_on": "2025-07-15",
        "amount": 3230,
    }
    paid = {**later("M0001", id="t4"), "type": "billing.charge.settled", "data": settled}
    replaced = later("M0001", id="t5", supersedes="real")
    moved = {"member_no": "M0004", "name": "浜 湊", "enrolments": []}
    renamed = {**later("M0004", id="t6"), "type": "member.updated", "data": moved}
    tested = [later("M0005", id="t1"), held, wrong_fee, paid, replaced, renamed]
    answer = await post(tester, tested, kind=BATCH)
    assert answer.status_code == 202, answer.text
    assert answer.json()["test"] is True
    assert await whole_record(parts) == before
    feeds = [(await client.get(f"/v1/{name}")).json() for name in ("deliveries", "decisions")]
    assert [len(next(iter(feed.values()))) for feed in feeds] == [1, 1]
    told = {name: await outcome(tester, name) for name in ("t1", "t2", "t3", "t4")}
    assert [(d["outcome"], d["reason"]) for d in told["t1"]["decisions"]] == [("send", "created")]
    assert [d["outcome"] for d in told["t2"]["decisions"]] == ["hold"]
    assert [t["kind"] for t in told["t3"]["tasks"]] == ["amount_alert"]
    assert {t["task"] for o in told.values() for t in o["tasks"]} == {None}
    assert told["t4"]["status"] == "decided"
    # The real caller sees nothing of it, the tester nothing of what is real.
    for who, name in ((client, "t1"), (tester, "real")):
        params = {"source": SOURCE, "id": name}
        problem_of(await who.get("/v1/events", params=params), 404)


async def test_what_would_go_is_rendered(tester: httpx.AsyncClient, parts: Parts) -> None:
    async with parts.engine.begin() as conn:
        reader = member("M0002", channel="letter")
        await members.save(conn, [(reader, NOW)], now=NOW)
    await post(tester, [later("M0001", id="mail"), later("M0002", id="letter")], kind=BATCH)
    [mail] = (await outcome(tester, "mail"))["messages"]
    assert (mail["message"], mail["state"], mail["channel"]) == ("TEST-1", "queued", "email")
    picture = mail["rendered"]
    assert picture["subject"]
    assert "3,230" in picture["text"]
    assert picture["size"] > len(picture["text"])
    [letter] = (await outcome(tester, "letter"))["messages"]
    picture = letter["rendered"]
    assert (letter["channel"], picture["pages"], picture["problem"]) == ("letter", 2, None)
    assert picture["size"] > 10_000


async def test_answers_are_those_of_real_events(
    client: httpx.AsyncClient, tester: httpx.AsyncClient
) -> None:
    first = await post(tester, submitted(id="a"))
    again = await post(tester, submitted(id="a"))
    assert (first.status_code, again.content) == (202, first.content)
    body = problem_of(await post(tester, submitted(id="a", fee=400)), 409)
    assert codes(body) == [(None, "id", "conflict")]
    body = problem_of(await post(tester, submitted("M9999")), 422)
    assert codes(body) == [(None, "data.member_no", "unknown_member")]
    # An id that was tested is free for the real event, and then tests know it.
    assert (await post(client, submitted(id="a", fee=400))).status_code == 202
    assert (await post(client, submitted(id="b"))).status_code == 202
    assert (await post(tester, submitted(id="b"))).status_code == 202
    told = await outcome(tester, "b")
    assert (told["status"], told["decisions"]) == ("already_recorded", [])
    assert (await post(client, submitted(id="c"))).status_code == 202
    problem_of(await post(tester, submitted(id="c", fee=400)), 409)


async def test_feeds_are_not_for_tests(tester: httpx.AsyncClient) -> None:
    for path in ("/v1/deliveries", "/v1/decisions"):
        body: Json = problem_of(await tester.get(path), 403)
        assert body["type"] == "urn:notifier:problem:test-key"


async def commit_a_test(parts: Parts) -> None:
    async with parts.engine.begin() as conn:
        await test_results.guard(conn, now=NOW)
        await run(conn, "UPDATE members SET status = 'left'")


async def test_the_database_itself_refuses_to_commit_a_test(parts: Parts) -> None:
    with pytest.raises(DBAPIError, match="never committed"):
        await commit_a_test(parts)
    async with parts.engine.connect() as conn:
        found = await row(conn, "SELECT count(*) AS n FROM members WHERE status = 'left'")
    assert found is not None
    assert found["n"] == 0


async def test_results_are_kept_for_some_days(tester: httpx.AsyncClient, parts: Parts) -> None:
    await post(tester, submitted(id="a"))
    now = parts.clock.now()
    await forget_tests(parts.engine, now)
    await outcome(tester, "a")
    await forget_tests(parts.engine, now + KEPT + timedelta(seconds=1))
    problem_of(await tester.get("/v1/events", params={"source": SOURCE, "id": "a"}), 404)
