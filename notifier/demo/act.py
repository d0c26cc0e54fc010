"""One act of the rehearsal: a database of its own, the days one after the other."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier.app.api_keys import new_key
from notifier.app.credentials import hash_of_token
from notifier.app.sweep import sweep
from notifier.channels.letter import Letter
from notifier.intake.members_csv import read_members
from notifier.model.actor import Actor, ActorKind
from notifier.model.notice import Lane
from notifier.model.plan import OFFICE_HOURS
from notifier.model.role import Permission
from notifier.model.scheme import Scheme
from notifier.printing.handover import hand_over
from notifier.rules.calendar import JAPAN
from notifier.runtime.clock import turn
from notifier.runtime.parts import Parts
from notifier.runtime.pressing import press_room
from notifier.store import keys, members, schemes, service_accounts, staff, tasks
from notifier.store.db import scalar

from . import relay_log
from .billing import Billing
from .incident import SOURCE, Day

STAFF = Actor(ActorKind.USER, "staff")
_PATIENCE = 300.0  # seconds for a day to come to rest

# Nothing moves and nothing is about to: all events are in and answered, nothing due is queued.
_BUSY = """
SELECT (SELECT count(*) FROM events WHERE decided_at IS NULL)
     + (SELECT count(*) FROM messages WHERE state IN ('claimed', 'sending', 'uncertain'))
     + (SELECT count(*) FROM messages
        WHERE state = 'queued' AND channel = 'email' AND next_attempt_at <= :now)
"""

_DUE = "SELECT count(*) FROM cases WHERE state = 'open' AND next_due_at <= :now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where an act takes place."""

    parts: Parts
    billing: Billing
    clock_file: Path
    relay_log: Path

    async def turn_to(self, at: datetime) -> None:
        """Turn the business clock of all processes."""
        turn(self.clock_file, at.astimezone(UTC) - datetime.now(UTC))

    async def play(self, day: Day) -> None:
        """One day: billing tells, the clock ticks, mails and letters go, staff look at tasks."""
        await self.turn_to(day.at)
        before = await self._events()
        await self.billing.emit(day)
        await self._until_taken(before + len(day.events))
        await self.rest()
        begun = max(day.at, datetime.combine(day.at.date(), OFFICE_HOURS.opens, JAPAN))
        await self.turn_to(begun + timedelta(minutes=5))
        await self.rest()
        await self._tick()
        await self.rest()
        await self._post()
        await self._close_tasks()

    async def _events(self) -> int:
        async with self.parts.engine.connect() as conn:
            return int(await scalar(conn, "SELECT count(*) FROM events"))

    async def _until_taken(self, count: int) -> None:
        async with asyncio.timeout(_PATIENCE):
            while await self._events() < count:  # noqa: ASYNC110 (it is in the record)
                await asyncio.sleep(0.05)

    async def rest(self) -> None:
        """Wait until nothing moves; what a kill left uncertain the relay's log settles."""
        async with asyncio.timeout(_PATIENCE):
            while await self._busy():
                await asyncio.sleep(0.05)
                engine, now = self.parts.engine, self.parts.clock.now()
                if await relay_log.settle(engine, self.relay_log, now):
                    await self.parts.bell.notify_workers(set(Lane))

    async def _busy(self) -> int:
        async with self.parts.engine.connect() as conn:
            return int(await scalar(conn, _BUSY, {"now": self.parts.clock.now()}))

    async def _tick(self) -> None:
        """Say what is due. A worker may be at some of it just now: wait until that is said."""
        async with self.parts.engine.connect() as conn:
            house = await self.parts.house(conn)
        async with asyncio.timeout(_PATIENCE):
            while True:
                now = self.parts.clock.now()
                await self.parts.bell.notify_workers(await sweep(self.parts.engine, house, now=now))
                async with self.parts.engine.connect() as conn:
                    if not await scalar(conn, _DUE, {"now": now}):
                        return
                await asyncio.sleep(0.05)

    async def _post(self) -> None:
        room = press_room(self.parts)
        batch = await Letter.collect(room, actor=STAFF)
        if batch:
            await hand_over(room, batch.batch_id, None, actor=STAFF)

    async def _close_tasks(self) -> None:
        now = self.parts.clock.now()
        async with self.parts.engine.begin() as conn:
            for task in await tasks.search(conn, state="open", limit=500, now=now):
                note = "rehearsal: looked at, billing was told"
                await tasks.finish(conn, task.task_id, actor=STAFF, note=note, now=now)

    async def register(self, scheme: Scheme) -> None:
        """Register a scheme as given."""
        async with self.parts.engine.begin() as conn:
            now = self.parts.clock.now()
            await schemes.save(conn, scheme, actor=STAFF, now=now)


async def prepare(parts: Parts, scheme: Scheme, register: bytes) -> str:
    """Register the scheme, the members of a CSV file, one of staff, and billing's API key."""
    now = parts.clock.now()
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await schemes.save(conn, scheme, actor=STAFF, now=now)
        found = read_members(register, {scheme.scheme})
        await members.save(conn, [(m, now) for m in found.members], now=now)
        await staff.save(conn, "staff", "事務局 担当", "staff@office.example.jp", now=now)
        await keys.add(conn, key_id, SOURCE, hashed, actor=STAFF, now=now)
    return secret


async def let_in(parts: Parts, token: str) -> None:
    """Register a service account for the verbs that the rehearsal runs: ``nt_demo_…``."""
    now = datetime.now(UTC)
    scopes = (Permission.EVENTS_SEND, Permission.MAILINGS_MAKE)
    async with parts.engine.begin() as conn:
        await service_accounts.add(
            conn,
            "demo",
            hash_of_token(token),
            scopes,
            by=STAFF.name,
            now=now,
            until=now + timedelta(days=1),
            is_confirmed=True,
        )
