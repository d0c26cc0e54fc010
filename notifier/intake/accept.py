"""Accepting events: everything that is answered with yes is committed, with what follows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.cases.door import Followed, take
from notifier.cases.situations import Arrived, House
from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import Event
from notifier.model.notice import Lane, Notice
from notifier.model.plan import OFFICE_HOURS, Hours
from notifier.model.press import Press
from notifier.rules.closures import Closures
from notifier.store import closures, schemes
from notifier.store import events as store
from notifier.store.db import in_transaction

from .envelope import Batch, refused

_UNKNOWN: Final = frozenset({"unknown_member", "unknown_refund", "unknown_event"})
_log = get_logger(__name__)


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware."""
        ...


class Bell(Protocol):
    """Wakes workers."""

    async def notify_workers(self, lanes: set[Lane]) -> None:
        """Say that something waits in these lanes."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer for one event: the same for every repeat."""

    source: str
    id: str
    event_id: int
    #: False: it was on record before, or stands twice in the batch. No part of the answer.
    is_new: bool = field(default=True, compare=False)
    notes: tuple[FieldError, ...] = ()  # identifiers that look like card numbers


class _Refused(Exception):
    """What the record has against events, as errors with their places."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__()


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
        :class:`Conflict` where all that is wrong are ids that were seen with another payload.
        """
        try:
            receipts, followed = await in_transaction(
                self._engine, lambda conn: self._accept(conn, events, actor)
            )
        except _Refused as problem:
            raise _refusal(events, problem.errors) from None
        for receipt in receipts:
            if receipt.is_new and receipt.notes:
                fields = [note.field for note in receipt.notes]
                _log.warning(
                    "event.looks_like_card_number", event_id=receipt.event_id, fields=fields
                )
        if followed.lanes:
            await self._bell.notify_workers(followed.lanes)
        return receipts

    async def faults(self, batch: Batch, actor: Actor) -> list[FieldError]:
        """Everything that is wrong with a batch of which some is: nothing of it is kept.

        The well-formed events are held against the record too. What they only lack because another
        event of the batch is wrong is not held against them.
        """
        found: Sequence[FieldError] = ()
        try:
            await in_transaction(
                self._engine, lambda conn: self._accept(conn, batch.events, actor, keep=False)
            )
        except _Refused as problem:
            found = problem.errors
        placed = [replace(e, index=batch.places[e.index or 0]) for e in found]
        own = [e for e in placed if not _is_consequence(e, batch.withheld)]
        return list(refused([*batch.errors, *own]).errors)

    async def accept_in(
        self, conn: AsyncConnection, events: Sequence[Event], actor: Actor
    ) -> list[Receipt]:
        """The same as :meth:`accept` in the caller's transaction; nobody is woken."""
        try:
            receipts, _ = await self._accept(conn, events, actor)
        except _Refused as problem:
            raise _refusal(events, problem.errors) from None
        return receipts

    async def _accept(
        self, conn: AsyncConnection, events: Sequence[Event], actor: Actor, *, keep: bool = True
    ) -> tuple[list[Receipt], Followed]:
        now = self._clock.now()
        unique, wrong = _unique(events)
        new = await store.insert(conn, [events[n] for n in unique], actor=actor, now=now)
        arrived = [
            Arrived(place=unique[n], event_id=event_id, event=events[unique[n]])
            for n, event_id in sorted(new.items())
        ]
        receipts, conflicts = await _receipts(conn, events, arrived)
        house = await self.house(conn)
        followed = await take(conn, arrived, house, actor=actor, now=now)
        wrong += [*(c for c in conflicts if c.index not in {e.index for e in wrong})]
        wrong += followed.errors
        if wrong or not keep:
            raise _Refused(wrong)
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


def _unique(events: Sequence[Event]) -> tuple[list[int], list[FieldError]]:
    """Places of the first of each (source, id), and repeats that do not say the same."""
    first: dict[tuple[str, str], int] = {}
    wrong: list[FieldError] = []
    for place, event in enumerate(events):
        known = first.setdefault((event.source, event.id), place)
        if events[known].digest != event.digest:
            wrong.append(FieldError("id", "duplicate_in_batch", {"value": event.id}, index=place))
    return list(first.values()), wrong


async def _receipts(
    conn: AsyncConnection, events: Sequence[Event], arrived: Sequence[Arrived]
) -> tuple[list[Receipt], list[FieldError]]:
    """The answer for each event, and the ids that are on record with another content.

    Only those that have not just arrived are looked up.
    """
    new = {(a.event.source, a.event.id): a for a in arrived}
    known = await store.known(conn, {(e.source, e.id) for e in events} - new.keys())
    receipts, conflicts = [], []
    for place, event in enumerate(events):
        key = (event.source, event.id)
        fresh = new.get(key)
        event_id, digest = known[key] if fresh is None else (fresh.event_id, fresh.event.digest)
        if digest != event.digest:
            conflicts.append(FieldError("id", "conflict", {"value": event.id}, index=place))
        is_new = fresh is not None and fresh.place == place
        receipts.append(Receipt(*key, event_id, is_new, event.notes))
    return receipts, conflicts


def _refusal(events: Sequence[Event], errors: Sequence[FieldError]) -> BadInput | Conflict:
    if any(e.code != "conflict" for e in errors):
        return refused(errors)
    first = events[errors[0].index or 0]
    return Conflict(first.source, first.id, errors)


def _is_consequence(error: FieldError, withheld: Collection[str]) -> bool:
    """Whether an event lacks only what another one, itself wrong, would have made known."""
    return error.code in _UNKNOWN and error.params.get("value") in withheld
