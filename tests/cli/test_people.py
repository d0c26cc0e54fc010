"""What people may and may not do to messages and tasks."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.model.actor import system
from notifier.store import members, schemes
from notifier.store.db import scalar
from tests.cases.conftest import Hand
from tests.cli.terminal import Terminal
from tests.samples import NOTICES, NOW, SCHEME, charge_failed, member


@pytest.fixture
async def held(engine: AsyncEngine) -> str:
    """Number of a message that is held, since it shows a fee that nobody registered."""
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=system("test"), now=NOW)
        await members.save(conn, [(member(), NOW)], now=NOW)
    acceptor = Acceptor(engine, NOTICES, Hand(), Hand())
    await acceptor.accept([charge_failed(fee=400)], system("test"))
    async with engine.connect() as conn:
        return f"M{await scalar(conn, 'SELECT message_id FROM messages'):09d}"


async def _state(engine: AsyncEngine) -> str:
    async with engine.connect() as conn:
        return str(await scalar(conn, "SELECT state FROM messages"))


async def test_nobody_waves_an_amount_past_the_guard(
    notifier: Terminal, held: str, engine: AsyncEngine
) -> None:
    assert held in notifier("messages", "release", held)
    assert "確認待ち" in notifier("messages", "settle", held, "sent", code=1)
    assert "確認待ち" in notifier("messages", "retry", held, code=1)
    assert await _state(engine) == "held"
    assert "400" in notifier("messages", "show", held.removeprefix("M"))
    notifier("messages", "cancel", held)
    assert "取消" in notifier("messages", "cancel", held, code=1)
    assert held in notifier("messages", "release", held, code=1)
    assert await _state(engine) == "cancelled"


async def test_a_task_is_done_once(notifier: Terminal, held: str) -> None:
    assert held in notifier("tasks", "show", "1")
    assert held in notifier("tasks", "done", "1", "--note", "登録を直しました", code=1)
    notifier("messages", "cancel", held)
    notifier("tasks", "done", "1", "--note", "登録を直しました")
    assert "1" in notifier("tasks", "done", "1", "--note", "again", code=1)
    assert "77" in notifier("tasks", "done", "77", "--note", "x", code=1)
    assert "M000000999" in notifier("messages", "show", "999", code=1)
