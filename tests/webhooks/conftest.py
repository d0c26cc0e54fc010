"""A house whose messages move, and what is told of it."""

from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.model.actor import system
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import members, messages, schemes
from notifier.store.db import rows
from notifier.store.messages import Move
from tests.cases.conftest import Hand
from tests.samples import NOTICES, NOW, SCHEME, charge_failed, member

TEST = system("test")


class Desk:
    """Makes messages and moves them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.hand = engine, Hand()
        self._acceptor = Acceptor(engine, NOTICES, self.hand, self.hand)
        self._made = 0

    async def make(self, count: int = 1, source: str = "billing.example.jp") -> list[int]:
        """Queued messages, each by an event of its own; their ids."""
        numbers = [f"M{n:04d}" for n in range(self._made, self._made + count)]
        self._made += count
        async with self.engine.begin() as conn:
            await members.save(conn, [(member(no), NOW) for no in numbers], now=NOW)
        await self._acceptor.accept([charge_failed(no, source=source) for no in numbers], TEST)
        async with self.engine.connect() as conn:
            found = await rows(
                conn, "SELECT message_id FROM messages ORDER BY message_id DESC LIMIT :n",
                {"n": count},
            )  # fmt: skip
        return sorted(r["message_id"] for r in found)

    async def move(self, ids: Sequence[int], *states: State) -> None:
        """Move messages on, each step in a transaction of its own."""
        for state in states:
            async with self.engine.begin() as conn:
                await move(conn, ids, state)


async def move(conn: AsyncConnection, ids: Sequence[int], state: State) -> None:
    """Move messages within a transaction."""
    moves = [Move(message_id=i, after=state, reason=Reason.ACCEPTED) for i in ids]
    assert await messages.move(conn, moves, actor=TEST, now=NOW) == sorted(ids)


@pytest.fixture
async def desk(engine: AsyncEngine) -> Desk:
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=TEST, now=NOW)
    return Desk(engine)
