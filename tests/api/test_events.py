"""``POST /v1/events`` over a real house."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from notifier.app.api_keys import key_id_of
from notifier.intake.envelope import MAX_BODY
from notifier.model.task import TaskKind
from notifier.runtime.parts import Parts
from notifier.store import keys
from notifier.store.db import loads, rows, run
from tests.samples import NOW, SOURCE, amounts, charge, cloud

SINGLE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
Json = dict[str, Any]


def submitted(number: str = "M0001", fee: int = 200, **more: Any) -> Json:
    return cloud("billing.charge.submitted", charge(number, amounts=amounts(fee=fee)), **more)


async def post(
    client: httpx.AsyncClient, body: Any, kind: str = SINGLE, **headers: str
) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/events", content=content, headers={"Content-Type": kind, **named})


async def recorded(parts: Parts) -> list[str]:
    async with parts.engine.connect() as conn:
        return [r["id"] for r in await rows(conn, "SELECT id FROM events ORDER BY event_id")]


def problem_of(response: httpx.Response, status: int) -> Json:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: Json = response.json()
    assert body["status"] == status
    assert body["title"]
    assert "error." not in response.text  # every code has its words
    return body


def codes(body: Json) -> list[tuple[int | None, str, str]]:
    return [(e.get("index"), e["field"], e["code"]) for e in body["errors"]]


async def test_an_event_is_committed_and_its_repeat_gets_the_same_answer(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    event = submitted(id="a")
    first = await post(client, event)
    assert first.status_code == 202
    [receipt] = first.json()["events"]
    assert (receipt["source"], receipt["id"]) == (SOURCE, "a")
    again = await post(client, dict(reversed(event.items())), kind="application/json")
    assert (again.status_code, again.content) == (202, first.content)
    assert await recorded(parts) == ["a"]


async def test_the_same_id_with_another_content_is_a_conflict(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    await post(client, submitted(id="a"))
    batch = [submitted(id="b"), submitted(id="a", fee=400)]
    body = problem_of(await post(client, batch, kind=BATCH), 409)
    assert codes(body) == [(1, "id", "conflict")]
    assert await recorded(parts) == ["a"]


async def test_a_batch_is_all_or_none(client: httpx.AsyncClient, parts: Parts) -> None:
    bad = submitted(id="c")
    bad["data"]["amounts"]["total"] = "3230"
    batch = [submitted(id="b"), bad, submitted(id="d") | {"time": "noon"}]
    body = problem_of(await post(client, batch, kind=BATCH), 422)
    assert codes(body) == [(1, "data.amounts.total", "wrong_type"), (2, "time", "bad_time")]
    assert await recorded(parts) == []
    good = await post(client, [batch[0], submitted(id="e")], kind="application/json")
    assert [e["id"] for e in good.json()["events"]] == ["b", "e"]
    assert await recorded(parts) == ["b", "e"]


async def test_what_the_record_does_not_know_is_named(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    batch = [submitted(id="a"), submitted("M9999", id="b")]
    body = problem_of(await post(client, batch, kind=BATCH), 422)
    assert codes(body) == [(1, "data.member_no", "unknown_member")]
    assert await recorded(parts) == []


async def test_every_wrong_event_of_a_batch_is_named_whatever_is_wrong(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    await post(client, submitted(id="known"))
    refund = {"member_no": "M0001", "refund_id": "R-1", "amount": 200, "completed_on": "2025-07-15"}
    decided = {**refund, "scheme": "group-liability", "charge_id": "C-M0001"}
    batch = [
        submitted(id="fine"),
        submitted(id="shape") | {"time": "noon"},
        submitted("M9999", id="member"),
        submitted(id="known", fee=400),
        submitted(id="fine", fee=400),
        submitted(id="scheme"),
        submitted(id="foreign", source="other"),
        # What these lack would have been made known by events that are wrong themselves.
        submitted(id="after", supersedes="shape"),
        cloud("billing.refund.decided", decided, id="refund"),
        cloud("billing.refund.completed", refund, id="paid"),
        cloud("member.updated", {"member_no": "M7", "name": ""}, id="new"),
        submitted("M7", id="of_new"),
        submitted(id="ahead") | {"time": "2099-07-16T10:00:00+09:00"},
    ]
    batch[5]["data"]["scheme"] = "no-such"
    del batch[9]["data"]["member_no"]
    body = problem_of(await post(client, batch, kind=BATCH), 422)
    assert codes(body) == [
        (1, "time", "bad_time"),
        (2, "data.member_no", "unknown_member"),
        (3, "id", "conflict"),
        (4, "id", "duplicate_in_batch"),
        (5, "data.scheme", "unknown_scheme"),
        (6, "source", "source_mismatch"),
        (8, "data.reason", "missing"),
        (8, "data.method", "missing"),
        (8, "data.completed_on", "unknown_field"),
        (9, "data.member_no", "missing"),
        (10, "data.name", "too_short"),
        (12, "time", "time_ahead"),
    ]
    assert await recorded(parts) == ["known"]


async def test_all_conflicts_of_a_batch_are_named(client: httpx.AsyncClient) -> None:
    await post(client, [submitted(id="a"), submitted(id="b")], kind=BATCH)
    batch = [submitted(id="a", fee=400), submitted(id="c"), submitted(id="b", fee=400)]
    body = problem_of(await post(client, batch, kind=BATCH), 409)
    assert codes(body) == [(0, "id", "conflict"), (2, "id", "conflict")]


async def test_a_card_number_is_refused_and_not_repeated(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    event = submitted(id="a") | {"subject": "４１１１ 1111-1111\u200b1111"}
    response = await post(client, event)
    assert codes(problem_of(response, 422)) == [(None, "subject", "card_number")]
    assert "1111" not in response.text.replace(response.json()["request_id"], "")
    odd = submitted(id="4111111111111111")
    response = await post(client, odd, accept_language="en")
    assert response.status_code == 202
    [receipt] = response.json()["events"]
    [warning] = receipt["warnings"]
    assert (warning["field"], warning["code"]) == ("id", "looks_like_card_number")
    assert (await post(client, odd, accept_language="en")).content == response.content
    assert await recorded(parts) == ["4111111111111111"]


async def test_events_are_numbered_as_they_were_sent(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    batch = [submitted(id=name) for name in ("z", "a", "m", "b")]
    assert (await post(client, batch, kind=BATCH)).status_code == 202
    assert await recorded(parts) == ["z", "a", "m", "b"]


async def test_what_the_database_refuses_is_a_fault_of_ours_and_somebody_is_told(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    async with parts.engine.begin() as conn:
        await run(conn, "ALTER TABLE events ADD CHECK (id <> 'refused')")
    told = problem_of(await post(client, submitted(id="refused")), 500)
    assert told["type"] == "urn:notifier:problem:internal"
    assert (await post(client, submitted(id="fine"))).status_code == 202
    async with parts.engine.connect() as conn:
        [task] = await rows(conn, "SELECT kind, details FROM tasks")
    assert task["kind"] == TaskKind.DATABASE_REFUSED
    assert loads(task["details"]) == {"code": "23514", "reference": told["request_id"]}


async def test_an_empty_batch_does_nothing(client: httpx.AsyncClient) -> None:
    response = await post(client, [], kind=BATCH)
    assert (response.status_code, response.json()) == (202, {"events": []})


async def test_binary_mode(client: httpx.AsyncClient, parts: Parts) -> None:
    event = submitted(id="日 1")
    named = {f"ce_{k}": v for k, v in event.items() if k != "data"}
    named["ce_id"] = "%E6%97%A5%201"
    assert (await post(client, event["data"], "application/json", **named)).status_code == 202
    assert await recorded(parts) == ["日 1"]
    wrong = await post(client, b"[]", "application/json", **named)
    assert codes(problem_of(wrong, 422)) == [(None, "data", "wrong_type")]


@pytest.mark.parametrize("given", ["", "Basic abc", "Bearer", "Bearer nk_x", "Bearer nk_~"])
async def test_without_a_key(client: httpx.AsyncClient, given: str) -> None:
    response = await post(client, submitted(), Authorization=given)
    problem_of(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_is_out_of_force_at_once(
    client: httpx.AsyncClient, parts: Parts, key: str
) -> None:
    assert (await post(client, submitted())).status_code == 202
    async with parts.engine.begin() as conn:
        assert await keys.revoke(conn, key_id_of(key) or "", now=NOW)
    problem_of(await post(client, submitted()), 401)


async def test_a_key_with_another_secret(client: httpx.AsyncClient, key: str) -> None:
    other = key[:-1] + ("A" if key[-1] != "A" else "B")
    problem_of(await post(client, submitted(), Authorization=f"Bearer {other}"), 401)


async def test_only_the_keys_own_source(client: httpx.AsyncClient, parts: Parts) -> None:
    body = problem_of(await post(client, submitted(source="other")), 403)
    assert codes(body) == [(None, "source", "source_mismatch")]
    batch = [submitted(), submitted(source="other")]
    assert codes(problem_of(await post(client, batch, kind=BATCH), 403)) == [
        (1, "source", "source_mismatch")
    ]
    assert await recorded(parts) == []


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("text/plain", {}),
        ("", {}),
        ("application/xml", {}),
        ("application/json; charset=shift_jis", {}),
        (SINGLE, {"content_encoding": "gzip"}),
    ],
)
async def test_other_media_types(
    client: httpx.AsyncClient, kind: str, headers: dict[str, str]
) -> None:
    problem_of(await post(client, submitted(), kind, **headers), 415)


async def test_charset_utf_8_is_fine(client: httpx.AsyncClient) -> None:
    response = await post(client, submitted(), f"{SINGLE}; charset=UTF-8")
    assert response.status_code == 202


async def test_a_body_that_is_too_big(client: httpx.AsyncClient) -> None:
    body = problem_of(await post(client, b"x" * 10_000_000), 413)
    assert codes(body) == [(None, "body", "too_big")]


async def test_a_body_without_length_is_cut_off_at_the_limit(client: httpx.AsyncClient) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 10 * MAX_BODY:
            taken += 65_536
            yield b" " * 65_536

    response = await client.post("/v1/events", content=endless(), headers={"Content-Type": SINGLE})
    problem_of(response, 413)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "empty"),
        (b"{", "not_json"),
        (b"\x82\xa0", "not_utf8"),
        (b'{"a":1,"a":1}', "duplicate_key"),
    ],
)
async def test_bodies_that_say_nothing(client: httpx.AsyncClient, raw: bytes, code: str) -> None:
    assert codes(problem_of(await post(client, raw), 422)) == [(None, "body", code)]


async def test_answers_are_in_the_language_of_the_request(client: httpx.AsyncClient) -> None:
    event = submitted() | {"time": "noon"}
    ja = await post(client, event)
    en = await post(client, event, accept_language="fr, en-GB;q=0.8, ja;q=0.2")
    assert (ja.headers["content-language"], en.headers["content-language"]) == ("ja", "en")
    assert "日時" in ja.json()["errors"][0]["detail"]
    assert "time" in en.json()["errors"][0]["detail"]


async def test_a_wrong_fee_is_accepted_and_held(client: httpx.AsyncClient, parts: Parts) -> None:
    assert (await post(client, submitted(fee=400))).status_code == 202
    async with parts.engine.connect() as conn:
        found = await rows(conn, "SELECT kind FROM tasks")
    assert [r["kind"] for r in found] == ["amount_alert"]


async def test_connections_that_the_server_has_cut_are_replaced(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    await post(client, submitted(id="a"))
    cut = """SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()"""
    async with parts.engine.connect() as conn:
        [ended] = await rows(conn, cut)
    assert ended["n"] >= 1
    assert (await post(client, submitted(id="b"))).status_code == 202
    assert await recorded(parts) == ["a", "b"]
