"""Accepting events: everything that is answered with yes is committed, with what follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.cases.door import Followed, take
from notifier.cases.situations import Arrived, House
from notifier.decide.closures import Closures
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import Event
from notifier.model.notice import Lane, Notice
from notifier.model.plan import OFFICE_HOURS, Hours
from notifier.model.press import Press
from notifier.store import closures, schemes
from notifier.store import events as store


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware."""
        ...


class Bell(Protocol):
    """Wakes workers."""

    async def ring(self, lanes: set[Lane]) -> None:
        """Say that something waits in these lanes."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer for one event: the same for every repeat."""

    source: str
    id: str
    event_id: int


class Acceptor:
    """Takes parsed events into the record."""

    def __init__(
        self,
        engine: AsyncEngine,
        notices: Mapping[str, Notice],
        clock: Clock,
        bell: Bell,
        hours: Hours | None = OFFICE_HOURS,
        press: Press | None = None,
    ) -> None:
        """``press``: its terms say by when letters are there."""
        self._engine, self._notices, self._clock, self._bell = engine, notices, clock, bell
        self._hours, self._press = hours, press or Press()

    async def accept(self, events: Sequence[Event], actor: Actor) -> list[Receipt]:
        """Commit all events and what follows from them, or none.

        Raises :class:`BadInput` naming each event that does not fit the record by its place, and
        :class:`Conflict` for an id that was seen with another payload.
        """
        async with self._engine.begin() as conn:
            receipts, followed = await self._accept(conn, events, actor)
        if followed.lanes:
            await self._bell.ring(followed.lanes)
        return receipts

    async def accept_in(
        self, conn: AsyncConnection, events: Sequence[Event], actor: Actor
    ) -> list[Receipt]:
        """The same in the caller's transaction, whatever becomes of it; nobody is woken."""
        receipts, _ = await self._accept(conn, events, actor)
        return receipts

    async def _accept(
        self, conn: AsyncConnection, events: Sequence[Event], actor: Actor
    ) -> tuple[list[Receipt], Followed]:
        now = self._clock.now()
        unique = _unique(events)
        new = await store.insert(conn, [events[n] for n in unique], actor=actor, now=now)
        arrived = [
            Arrived(place=unique[n], event_id=event_id, event=events[unique[n]])
            for n, event_id in sorted(new.items())
        ]
        ids = {(a.event.source, a.event.id): a.event_id for a in arrived}
        receipts = await _receipts(conn, events, ids)
        house = await self.house(conn)
        followed = await take(conn, arrived, house, actor=actor, now=now)
        if followed.errors:
            raise BadInput(sorted(followed.errors, key=lambda e: e.index or 0))
        return receipts, followed

    async def house(self, conn: AsyncConnection) -> House:
        """What the rules need besides the record of one member."""
        return House(
            schemes=await schemes.all_of(conn),
            notices=self._notices,
            closures=Closures(await closures.all_of(conn)),
            hours=self._hours,
            press=self._press,
        )


def _unique(events: Sequence[Event]) -> list[int]:
    """Places of the first of each (source, id); a repeat must say the same."""
    first: dict[tuple[str, str], int] = {}
    for place, event in enumerate(events):
        known = first.setdefault((event.source, event.id), place)
        if events[known].digest != event.digest:
            error = FieldError("id", "duplicate_in_batch", {"value": event.id}, index=place)
            raise BadInput([error])
    return list(first.values())


async def _receipts(
    conn: AsyncConnection, events: Sequence[Event], new: Mapping[tuple[str, str], int]
) -> list[Receipt]:
    """Receipts of all; only those that are not new are looked up. Raises :class:`Conflict`."""
    known = await store.known(conn, {(e.source, e.id) for e in events} - new.keys())
    receipts = []
    for event in events:
        key = (event.source, event.id)
        event_id, digest = (new[key], event.digest) if key in new else known[key]
        if digest != event.digest:
            raise Conflict(*key)
        receipts.append(Receipt(*key, event_id))
    return receipts
