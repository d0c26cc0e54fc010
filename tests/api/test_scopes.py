"""What an API key is good for."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from notifier.app.access import latest_refusals
from notifier.app.api_keys import new_key
from notifier.model.access import USUAL_SCOPES, Scope
from notifier.runtime.parts import Parts
from notifier.store import keys
from notifier.store.db import run
from tests.api.conftest import ACTOR, calling
from tests.samples import NOW, SOURCE

_EVENT = {
    "specversion": "1.0", "id": "e-1", "source": SOURCE, "type": "member.left",
    "time": "2025-07-15T10:00:00+09:00", "data": {"member_no": "M0001", "left_on": "2025-07-15"},
}  # fmt: skip


async def _caller(parts: Parts, scopes: Iterable[Scope] = Scope, **more: Any) -> httpx.AsyncClient:
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await keys.add(conn, key_id, SOURCE, hashed, scopes=scopes, actor=ACTOR, now=NOW, **more)
    return calling(parts, secret)


async def _asks(client: httpx.AsyncClient, what: str) -> httpx.Response:
    if what == "send":
        headers = {"Content-Type": "application/cloudevents+json"}
        return await client.post("/v1/events", content=orjson.dumps(_EVENT), headers=headers)
    return await client.get(what)


@pytest.mark.parametrize(
    ("scope", "what"),
    [
        (Scope.EVENTS_WRITE, "send"),
        (Scope.MEMBERS_WRITE, "send"),
        (Scope.EVENTS_READ, "/v1/events?source=a&id=b"),
        (Scope.EVENTS_READ, "/v1/events/a/b"),
        (Scope.EVENTS_READ, "/v1/decisions"),
        (Scope.DELIVERIES_READ, "/v1/deliveries"),
    ],
)
async def test_beyond_its_scopes_a_key_is_good_for_nothing(
    parts: Parts, scope: Scope, what: str
) -> None:
    async with await _caller(parts, set(Scope) - {scope}) as client:
        answer = await _asks(client, what)
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:notifier:problem:out-of-scope"
    async with await _caller(parts, set(Scope)) as client:
        answer = await _asks(client, what)
    assert answer.json().get("type") != "urn:notifier:problem:out-of-scope"


async def test_a_usual_key_does_not_touch_members(parts: Parts) -> None:
    async with await _caller(parts, USUAL_SCOPES) as client:
        assert (await _asks(client, "send")).status_code == 403


async def test_a_key_from_before_scopes_keeps_its_rights(parts: Parts) -> None:
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await run(
            conn,
            """INSERT INTO api_keys (key_id, source, secret_hash, created_at, created_by)
               VALUES (:key_id, :source, :hash, now(), 'user:old')""",
            {"key_id": key_id, "source": SOURCE, "hash": hashed},
        )
    async with calling(parts, secret) as client:
        assert (await _asks(client, "send")).status_code == 202
        assert (await _asks(client, "/v1/deliveries")).status_code == 200


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"expires_at": datetime.now(UTC) - timedelta(seconds=1)}, "expired_key"),
        ({"is_confirmed": False}, "waiting_key"),
    ],
)
async def test_a_key_that_is_not_in_force(parts: Parts, more: dict[str, Any], reason: str) -> None:
    async with await _caller(parts, **more) as client:
        assert (await _asks(client, "/v1/deliveries")).status_code == 401
    assert [r.reason for r in await latest_refusals(parts.engine, 9)] == [reason]
