"""Bytes of what came back are kept for a while; what they said stays."""

from datetime import timedelta

from notifier.app.housekeeping import tidy
from notifier.model.retention import Retention
from notifier.store import returns
from tests.returns.desk import Desk, bounce


async def test_bytes_of_returns_go_and_what_they_said_stays(desk: Desk, database_url: str) -> None:
    [message] = await desk.sent()
    ours, stray = bounce(message["token"]), bounce(None)
    applied, person = await desk.apply(ours, stray)
    assert (applied.standing, person.standing) == ("applied", "person")
    rules = Retention(return_days=30, unread_return_days=60)

    async def left(days: int) -> list[int]:
        now = desk.time + timedelta(days=days)
        await tidy(desk.engine, rules, owner_url=database_url, now=now)
        found = await desk.rows(
            "SELECT return_id FROM return_raws WHERE length(raw) > 0 ORDER BY 1"
        )
        return [r["return_id"] for r in found]

    assert await left(29) == sorted([applied.return_id, person.return_id])
    assert await left(31) == [person.return_id]
    assert await left(61) == []
    async with desk.engine.connect() as conn:
        found = await returns.get(conn, person.return_id)
        assert found is not None
        assert returns.restored(found).reading.findings == stray.reading.findings
    assert (await desk.state(message["message_id"]))[0] == "bounced"
    again = await desk.apply(ours)  # the same bytes are known by their hash
    assert again[0].standing == "known"
