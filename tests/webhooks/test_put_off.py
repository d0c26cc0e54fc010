"""A webhook that breaks on our side is put off, with a task; the others are called."""

from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping

from notifier.store.db import rows, run
from tests.delivery.rig import eventually
from tests.webhooks import test_webhooks as webhooks
from tests.webhooks.receiver import receiving
from tests.webhooks.test_webhooks import Office

office = webhooks.office


async def _put_off(office: Office) -> RowMapping | None:
    async with office.engine.connect() as conn:
        found = await rows(conn, "SELECT * FROM put_off")
    return found[0] if found else None


async def _change(office: Office, sql: str, **params: Any) -> None:
    async with office.engine.begin() as conn:
        await run(conn, sql, params)


async def test_one_that_breaks_holds_back_no_other_and_is_called_once_it_is_mended(
    office: Office,
) -> None:
    async with receiving() as good, receiving() as spoilt:
        await office.add(good)
        hook = await office.add(spoilt)
        spoil = "UPDATE webhook_secrets SET kind = :kind, secret = secret || secret"
        await _change(office, f"{spoil} WHERE webhook_id = :id", kind="ed25519", id=hook)
        await office.made.make(2)
        async with office.telling():
            await good.wait_for(lambda: len(good.members) >= 2)
            await eventually(lambda: _put_off(office))
            await _change(
                office, "UPDATE webhook_secrets SET kind = 'hmac' WHERE webhook_id = :id", id=hook
            )
            office.made.hand.time += timedelta(minutes=5)
            await spoilt.wait_for(lambda: len(spoilt.members) >= 2)
    assert await _put_off(office) is None
    async with office.engine.connect() as conn:
        [task] = await rows(conn, "SELECT count, details FROM tasks WHERE kind = 'item_put_off'")
    assert task["count"] == 1
