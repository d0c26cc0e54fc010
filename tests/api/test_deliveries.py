"""``GET /v1/deliveries`` over a real house."""

import asyncio

import httpx
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from notifier.api.app import create_app
from notifier.runtime.parts import Parts
from notifier.runtime.services import HouseServices
from notifier.store.db import scalar
from tests.api.test_events import codes, post, problem_of
from tests.samples import SOURCE, amounts, charge, cloud


def failed(number: str, **more: str) -> dict[str, object]:
    data = charge(
        number,
        amounts=amounts(),
        gateway="gmo",
        codes=["G02"],
        deadline="2025-08-14",
        recharge_on="2025-08-15",
    )
    return cloud("billing.card.charge_failed", data, **more)


async def test_a_page_of_changes(client: httpx.AsyncClient) -> None:
    for n in (1, 2, 3):
        await post(client, failed(f"M000{n}", id=f"a{n}"))
    response = await client.get("/v1/deliveries", params={"limit": "2"})
    assert response.status_code == 200
    body = response.json()
    assert (len(body["deliveries"]), body["more"]) == (2, True)
    first = body["deliveries"][0]
    assert first == {
        "position": first["position"],
        "message": "M000000001",
        "events": [{"source": SOURCE, "id": "a1"}],
        "member_no": "M0001",
        "notice": "card_error",
        "step": "first",
        "channel": "email",
        "generation": 1,
        "before": None,
        "after": "held",
        "reason": "deadline_passed",
        "evidence": None,
        "at": first["at"],
    }
    rest = (await client.get("/v1/deliveries", params={"after": body["next"]})).json()
    assert [d["member_no"] for d in rest["deliveries"]] == ["M0003"]
    assert rest["more"] is False
    again = (await client.get("/v1/deliveries", params={"after": rest["next"]})).json()
    assert again == {"deliveries": [], "next": rest["next"], "more": False}


async def test_waiting_ends_with_what_comes(client: httpx.AsyncClient) -> None:
    await post(client, failed("M0001"))
    params = {"after": "latest", "wait": "20"}
    waiting = asyncio.create_task(client.get("/v1/deliveries", params=params))
    await asyncio.sleep(0.2)
    await post(client, failed("M0002"))
    body = (await waiting).json()
    assert [d["member_no"] for d in body["deliveries"]] == ["M0002"]


async def test_when_every_connection_is_taken_the_caller_is_to_come_back(
    parts: Parts, key: str
) -> None:
    narrow = create_async_engine(parts.engine.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    services = HouseServices(Parts(parts.settings, parts.urls, narrow, parts.supervisor))
    transport = httpx.ASGITransport(create_app(services))
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://n.example.jp") as client,
        narrow.connect(),
    ):
        headers = {"Authorization": f"Bearer {key}"}
        problem_of(await client.get("/v1/deliveries", headers=headers), 503)
    await narrow.dispose()


async def test_latest_is_not_the_beginning_while_others_are_busy(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    await post(client, failed("M0001"))
    async with parts.engine.connect() as slow:
        await scalar(slow, "SELECT pg_current_xact_id()")
        problem_of(await client.get("/v1/deliveries", params={"after": "latest"}), 503)
    body = (await client.get("/v1/deliveries", params={"after": "latest"})).json()
    assert body["deliveries"] == []
    assert int(body["next"]) > 0


@pytest.mark.parametrize(
    ("params", "wrong"),
    [
        ({"after": "x"}, ("after", "unknown_position")),
        ({"after": "-1"}, ("after", "unknown_position")),
        ({"after": "9" * 19}, ("after", "unknown_position")),
        ({"limit": "0"}, ("limit", "not_allowed")),
        ({"limit": "1001"}, ("limit", "not_allowed")),
        ({"limit": "１"}, ("limit", "not_allowed")),
        ({"wait": "21"}, ("wait", "not_allowed")),
        ({"state": "sent,claimed"}, ("state", "not_allowed")),
        ({"since": "1"}, ("since", "unknown_field")),
    ],
)
async def test_bad_questions(
    client: httpx.AsyncClient, params: dict[str, str], wrong: tuple[str, str]
) -> None:
    body = problem_of(await client.get("/v1/deliveries", params=params), 422)
    assert codes(body) == [(None, *wrong)]


async def test_a_position_of_another_record(client: httpx.AsyncClient) -> None:
    body = problem_of(await client.get("/v1/deliveries", params={"after": "123456"}), 410)
    assert codes(body) == [(None, "after", "unknown_position")]


async def test_without_a_key(parts: Parts) -> None:
    transport = httpx.ASGITransport(create_app(HouseServices(parts)))
    async with httpx.AsyncClient(transport=transport, base_url="http://n.example.jp") as nobody:
        problem_of(await nobody.get("/v1/deliveries"), 401)
