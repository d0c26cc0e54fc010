"""A registered scheme with members, and the door for events."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor, Receipt
from notifier.app.release import recheck, release
from notifier.app.rule_context import RuleContext as House
from notifier.app.sweep import sweep
from notifier.model.actor import Actor, ActorKind
from notifier.model.event import Event
from notifier.model.notice import Lane, Notice
from notifier.model.scheme import Scheme
from notifier.store import members, messages, schemes
from notifier.store.db import rows, run
from tests.samples import NOTICES, NOW, SCHEME, member

ACTOR = Actor(ActorKind.KEY, "test")


class Hand:
    """A clock that a test turns, and a bell that remembers."""

    def __init__(self) -> None:
        self.time = NOW
        self.rung: list[set[Lane]] = []

    def now(self) -> datetime:
        return self.time

    async def notify_workers(self, lanes: set[Lane]) -> None:
        self.rung.append(lanes)


class Office:
    """What a test does to the house and asks of it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.hand = engine, Hand()
        self.open(NOTICES)

    def open(self, notices: Mapping[str, Notice]) -> None:
        """Go on with these notices."""
        self.acceptor = Acceptor(self.engine, notices, self.hand, self.hand)

    async def accept(self, *events: Event) -> list[Receipt]:
        self.hand.time = max(self.hand.time, *(e.time for e in events))
        return await self.acceptor.accept(events, ACTOR)

    async def rows(self, sql: str, **params: Any) -> Sequence[RowMapping]:
        async with self.engine.connect() as conn:
            return await rows(conn, sql, params)

    async def change(self, sql: str, **params: Any) -> None:
        async with self.engine.begin() as conn:
            await run(conn, sql, params)

    async def messages(self) -> list[tuple[str, str, str, str, str]]:
        found = await self.rows("SELECT * FROM messages ORDER BY message_id")
        return [(r["notice"], r["step"], r["channel"], r["state"], r["reason"]) for r in found]

    async def tasks(self) -> list[tuple[str, int, str]]:
        found = await self.rows("SELECT * FROM tasks ORDER BY task_id")
        return [(r["kind"], r["count"], r["state"]) for r in found]

    async def outcomes(self) -> list[tuple[str, str]]:
        found = await self.rows("SELECT * FROM decisions ORDER BY decision_id")
        return [(r["outcome"], r["reason"]) for r in found]

    async def sweep_at(self, *moment: int) -> set[Lane]:
        self.hand.time = datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]
        return await sweep(self.engine, await self.house(), now=self.hand.time)

    async def later(self, **by: float) -> set[Lane]:
        self.hand.time += timedelta(**by)
        return await sweep(self.engine, await self.house(), now=self.hand.time)

    async def register(self, scheme: Scheme) -> None:
        """Correct the register: what waits is weighed anew, then what is held."""
        async with self.engine.begin() as conn:
            await schemes.save(conn, scheme, actor=ACTOR, now=self.hand.time)
            house = await self.acceptor.house(conn)
            await recheck(conn, scheme.scheme, house, actor=ACTOR, now=self.hand.time)
            held = await messages.held(conn)
            await release(conn, held, house, actor=ACTOR, now=self.hand.time)

    async def release(self) -> None:
        """Take all that is held through the rules again."""
        async with self.engine.begin() as conn:
            held = await messages.held(conn)
            house = await self.acceptor.house(conn)
            await release(conn, held, house, actor=ACTOR, now=self.hand.time)

    async def house(self) -> House:
        async with self.engine.connect() as conn:
            return await self.acceptor.house(conn)


@pytest.fixture
async def office(engine: AsyncEngine) -> Office:
    made = Office(engine)
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
        people = [member(f"M{n:04d}") for n in range(1, 8)]
        people.append(member("POST", email=""))
        people.append(member("NONE", email="", address=None))
        await members.save(conn, [(m, NOW - timedelta(days=9)) for m in people], now=NOW)
    return made
