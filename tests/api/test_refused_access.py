"""Refused access is on record with its address, and nobody can fill the record with it."""

from datetime import timedelta

import httpx
from structlog.testing import capture_logs

from notifier.app.access import KEPT, AccessLog, latest_refusals
from notifier.app.api_keys import new_key
from notifier.model.access import Refusal
from notifier.runtime.parts import Parts
from notifier.store import keys
from tests.api.conftest import ACTOR
from tests.api.test_events import post, submitted
from tests.api.wire import Wire
from tests.cases.conftest import Hand
from tests.samples import NOW


async def seen(parts: Parts) -> list[tuple[str, str, str, str, int]]:
    found = await latest_refusals(parts.engine, 1000)
    return sorted((r.address, r.interface, r.reason, r.name, r.count) for r in found)


async def test_every_refusal_is_a_line_and_a_row(client: httpx.AsyncClient, parts: Parts) -> None:
    revoked, wrong, unknown = new_key(), new_key(), new_key()
    async with parts.engine.begin() as conn:
        for key in (revoked, wrong):
            await keys.add(conn, key.key_id, "x.example.jp", key.hash, actor=ACTOR, now=NOW)
        await keys.revoke(conn, revoked.key_id, now=NOW)
    other = f"nk_{wrong.key_id}_{'A' * 43}"
    with capture_logs() as logs:
        for given in ("", "Basic eDp5", "Bearer x", *(f"Bearer {k}" for k in (
            unknown.secret_text, revoked.secret_text, other
        ))):  # fmt: skip
            answer = await client.get("/v1/deliveries", headers={"Authorization": given})
            assert answer.status_code == 401
        del client.headers["Authorization"]
        assert (await client.get("/v1/deliveries")).status_code == 401
    assert await seen(parts) == [
        ("127.0.0.1", "api", "no_key", "", 1),
        ("127.0.0.1", "api", "not_a_key", "", 2),
        ("127.0.0.1", "api", "revoked_key", revoked.key_id, 1),
        ("127.0.0.1", "api", "unknown_key", "", 1),
        ("127.0.0.1", "api", "wrong_key", wrong.key_id, 1),
    ]
    lines = [line for line in logs if line["event"] == "access.refused"]
    assert {(line["reason"], line["peer"]) for line in lines} == {
        (reason, "127.0.0.1")
        for reason in ("no_key", "not_a_key", "revoked_key", "unknown_key", "wrong_key")
    }
    assert not any(secret in str(lines) for secret in (other, unknown.secret_text))


async def test_events_of_another_source(client: httpx.AsyncClient, parts: Parts) -> None:
    answer = await post(client, {**submitted(), "source": "other.example.jp"})
    assert answer.status_code == 403
    params = {"source": "other.example.jp", "id": "a"}
    assert (await client.get("/v1/events", params=params)).status_code == 404
    [(address, interface, reason, name, count)] = await seen(parts)
    assert (address, interface, reason, count) == ("127.0.0.1", "api", "source_mismatch", 2)
    assert name  # the key is known


async def test_the_address_is_that_of_the_connection(wire: Wire, parts: Parts) -> None:
    assert (await wire.get("/v1/deliveries", key=False)).status == 401
    assert await seen(parts) == [("127.0.0.1", "api", "no_key", "", 1)]


async def test_many_refusals_are_few_rows(parts: Parts) -> None:
    hand = Hand()
    log = AccessLog(parts.engine, hand.now)
    for _ in range(100):
        await log.refused("192.0.2.1", "api", Refusal.NO_KEY)
    [(_, _, _, _, count)] = await seen(parts)
    assert 50 <= count <= 100  # written when it has doubled
    hand.time += timedelta(minutes=1)
    await log.refused("192.0.2.2", "api", Refusal.NO_KEY)
    assert [row[4] for row in await seen(parts)] == [100, 1]
    for n in range(70_000, 70_300):  # as many networks, and in each any number of addresses
        await log.refused(f"2001:db8:{n - 70_000:x}::{n % 9}", "api", Refusal.NO_KEY)
        await log.refused(f"2001:db8:{n - 70_000:x}::b{n % 7}", "api", Refusal.NO_KEY)
    await log.close()
    found = await seen(parts)
    assert len(found) == 202
    assert sum(row[4] for row in found) == 701
    assert ("*", "api", "no_key", "", 202) in found
    assert ("2001:db8:7::/64", "api", "no_key", "", 2) in found


async def test_refusals_are_forgotten(parts: Parts) -> None:
    hand = Hand()
    await AccessLog(parts.engine, hand.now).refused("192.0.2.1", "api", Refusal.NO_KEY)
    hand.time += KEPT + timedelta(minutes=1)
    await AccessLog(parts.engine, hand.now).refused("192.0.2.2", "api", Refusal.NO_KEY)
    assert [row[0] for row in await seen(parts)] == ["192.0.2.2"]
