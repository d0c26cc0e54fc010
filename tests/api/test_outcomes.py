"""``GET /v1/events``: what became of an event."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import redis.asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.api_keys import new_key
from notifier.runtime.event_stream import Stream, StreamReader
from notifier.runtime.parts import Parts
from notifier.store import keys
from notifier.store.db import run
from tests.api.conftest import ACTOR
from tests.api.test_deliveries import failed
from tests.api.test_events import Json, post, problem_of, submitted
from tests.cases.conftest import Hand
from tests.samples import NOW, SOURCE, cloud

FUTURE = {"deadline": "2099-08-14", "recharge_on": "2099-08-15"}


def later(number: str, **more: Any) -> Json:
    """A failed charge whose notice is queued."""
    event: Any = failed(number, **more)
    event["data"] |= FUTURE
    return dict(event)


async def outcome(client: httpx.AsyncClient, event_id: str, **headers: str) -> Json:
    params = {"source": SOURCE, "id": event_id}
    answer = await client.get("/v1/events", params=params, headers=headers)
    assert answer.status_code == 200, answer.text
    body: Json = answer.json()
    return body


async def test_what_was_sent_held_and_skipped(client: httpx.AsyncClient) -> None:
    held = later("M0002", id="held")
    held["data"]["amounts"]["lines"][1]["amount"] = 400
    held["data"]["amounts"]["total"] = 3430
    for event in (later("M0001", id="sent"), held, submitted("M0003", id="checked")):
        assert (await post(client, event)).status_code == 202
    sent = await outcome(client, "sent", **{"Accept-Language": "en"})
    [decision], [message] = sent["decisions"], sent["messages"]
    assert (sent["status"], sent["type"], sent["member_no"]) == (
        "decided",
        "billing.card.charge_failed",
        "M0001",
    )
    assert sent["accepted_at"]
    assert (decision["outcome"], decision["outcome_text"], decision["reason"]) == (
        "send",
        "send",
        "created",
    )
    assert decision["message"] == message["message"]
    assert (message["notice"], message["step"], message["channel"], message["state"]) == (
        "card_error",
        "first",
        "email",
        "queued",
    )
    assert message["goes_at"]
    assert sent["tasks"] == []
    told = await outcome(client, "held")
    assert told["decisions"][0]["reason_text"] == "金額が登録済みの費用と一致しません"
    assert [(d["outcome"], d["reason"]) for d in told["decisions"]] == [
        ("hold", "amount_contradicts_fee")
    ]
    assert [m["state"] for m in told["messages"]] == ["held"]
    assert [(t["kind"], t["state"]) for t in told["tasks"]] == [("held_message", "open")]
    skipped = await outcome(client, "checked")
    assert [(d["outcome"], d["reason"], d["message"]) for d in skipped["decisions"]] == [
        ("skip", "checked_only", None)
    ]


async def test_every_code_is_in_words_of_the_language(client: httpx.AsyncClient) -> None:
    await post(client, failed("M0001", id="a"))
    for language in ("ja", "en"):
        answer = await client.get(
            "/v1/events",
            params={"source": SOURCE, "id": "a"},
            headers={"Accept-Language": language},
        )
        assert answer.headers["content-language"] == language
        body = answer.json()
        items = [body, *body["decisions"], *body["messages"], *body["tasks"]]
        words = [(k, v) for item in items for k, v in item.items() if k.endswith("_text")]
        assert len(words) == 8
        for name, text in words:
            assert text
            assert not text.startswith(name.removesuffix("_text") + "."), text
            assert text.isascii() == (language == "en"), text


async def test_an_unknown_code_is_a_task_of_the_event(client: httpx.AsyncClient) -> None:
    odd = later("M0001", id="odd")
    odd["data"]["codes"] = ["ZZZ99"]
    await post(client, odd)
    await post(client, later("M0002", id="plain"))
    told = await outcome(client, "odd")
    assert [t["kind"] for t in told["tasks"]] == ["unknown_gateway_code"]
    assert (await outcome(client, "plain"))["tasks"] == []


async def test_what_took_its_place(client: httpx.AsyncClient) -> None:
    await post(client, later("M0001", id="a"))
    await post(client, later("M0001", id="b", supersedes="a"))
    first = await outcome(client, "a")
    assert first["superseded_by"] == ["b"]
    assert [m["state"] for m in first["messages"]] == ["cancelled"]
    assert (await outcome(client, "b"))["supersedes"] == "a"


async def test_an_event_that_our_rules_broke_on(client: httpx.AsyncClient, parts: Parts) -> None:
    async with parts.engine.begin() as conn:
        await run(conn, "ALTER TABLE charge_amounts ADD CHECK (total < 3000)")
    await post(client, submitted("M0001", id="a"))
    told = await outcome(client, "a")
    assert (told["status"], told["decisions"], told["decided_at"]) == ("undecided", [], None)
    assert [t["kind"] for t in told["tasks"]] == ["undecided_event"]


async def test_the_path_form_takes_every_source_and_id(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    source, event_id = "https://billing.example.jp/請求?a=b#c", "2025/07 %2F.."
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await keys.add(conn, key_id, source, hashed, actor=ACTOR, now=NOW)
    own = {"Authorization": f"Bearer {secret}"}
    event = cloud("member.left", {"member_no": "M0001", "left_on": "2025-07-15"}, id=event_id)
    assert (await post(client, event | {"source": source}, **own)).status_code == 202
    path = f"/v1/events/{quote(source, safe='')}/{quote(event_id, safe='')}"
    by_path = await client.get(path, headers=own)
    params = {"source": source, "id": event_id}
    by_query = await client.get("/v1/events", params=params, headers=own)
    assert (by_path.status_code, by_path.json()["id"]) == (200, event_id)
    assert by_path.content == by_query.content
    # Another key's events are as if they were not.
    problem_of(await client.get(path), 404)
    problem_of(await client.get("/v1/events", params=params), 404)


async def test_questions_that_cannot_be_answered(client: httpx.AsyncClient) -> None:
    for params, wrong in (
        ({}, [("id", "missing"), ("source", "missing")]),
        ({"source": SOURCE}, [("id", "missing")]),
        ({"source": SOURCE, "id": "a\0b"}, [("id", "control_character")]),
        ({"source": SOURCE, "id": "x" * 256}, [("id", "too_long")]),
        ({"source": SOURCE, "id": ["a", "b"]}, [("id", "given_twice")]),
        ({"source": SOURCE, "id": "a", "all": "1"}, [("all", "unknown_field")]),
    ):
        body = problem_of(await client.get("/v1/events", params=params), 422)
        assert sorted((e["field"], e["code"]) for e in body["errors"]) == wrong
    problem_of(await client.get("/v1/events", params={"source": SOURCE, "id": "never"}), 404)


async def test_an_entry_of_the_stream_that_was_rejected(
    client: httpx.AsyncClient, engine: AsyncEngine, parts: Parts, intake_redis_url: str
) -> None:
    stream = Stream(url=intake_redis_url, name="events", source=SOURCE)
    bad = submitted("M9999", id="bad")
    wrong = {**submitted("M0001", id="wrong"), "time": "noon"}
    foreign = {**submitted("M0001", id="foreign"), "source": "other.example.jp"}
    async with redis.asyncio.Redis.from_url(intake_redis_url) as queue:
        for entry in (bad, wrong, foreign):
            await queue.xadd("events", {"event": json.dumps(entry)})
    reader = StreamReader(stream, parts.acceptor, engine, Hand(), "test")
    while await reader.step() == 0:
        pass
    await reader.close()
    for event_id, field in (("bad", "data.member_no"), ("wrong", "time")):
        told = await outcome(client, event_id)
        assert (told["status"], told["event_id"]) == ("rejected", None)
        [[error]] = [entry["errors"] for entry in told["rejected"]]
        assert error["field"] == field
        assert error["detail"] != f"error.{error['code']}"
    problem_of(await client.get("/v1/events", params={"source": SOURCE, "id": "foreign"}), 404)
