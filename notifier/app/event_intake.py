"""Taking events in: what is answered with yes is committed, with all that follows from it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.intake.envelope import Batch, refused
from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import Event
from notifier.model.notice import Lane, Notice
from notifier.model.plan import OFFICE_HOURS, Hours
from notifier.model.press import Press
from notifier.store import events as store
from notifier.store.db import in_transaction
from notifier.store.failures import passes

from .apply_events import Effects, apply_events
from .group_commit import Answer, GroupCommit
from .rule_context import RuleContext, load_rule_context
from .situations import IncomingEvent

_UNKNOWN: Final = frozenset({"unknown_member", "unknown_refund", "unknown_event"})
#: Larger batches have a transaction of their own: sharing one gains them nothing.
_SMALL: Final = 50
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


@dataclass(frozen=True, slots=True)
class Request:
    """Events that are kept together or not at all, and who sends them."""

    events: Sequence[Event]
    actor: Actor


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
        self._group: GroupCommit[list[Receipt]] = GroupCommit(self._commit)

    async def accept(self, events: Sequence[Event], actor: Actor) -> list[Receipt]:
        """Commit all events and what follows from them, or none.

        Small requests that come together share a transaction, each with its own answer. Raises
        :class:`BadInput` naming each event that does not fit the record by its place, and
        :class:`Conflict` where all that is wrong are ids that were seen with another payload.
        """
        request = Request(events, actor)
        if len(events) <= _SMALL:
            return await self._group.submit(request)
        [answer] = await self._commit([request])
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._group.close()

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

    async def house(self, conn: AsyncConnection) -> RuleContext:
        """What the rules need besides the record of one member."""
        return await load_rule_context(conn, self._notices, self._hours, self._press)

    async def _commit(self, requests: Sequence[Request]) -> list[Answer[list[Receipt]]]:
        """Commit requests in one transaction; those at fault are taken out, and tried alone."""
        events = [event for request in requests for event in request.events]
        try:
            receipts, effects = await in_transaction(
                self._engine, lambda conn: self._accept(conn, events, requests[0].actor)
            )
        except _Refused as problem:
            if len(requests) == 1:
                return [_refusal(events, problem.errors)]
            return await self._apart(requests, _guilty(requests, problem.errors))
        except Exception as problem:  # noqa: BLE001 (it is the answer of each)
            if passes(problem) or len(requests) == 1:
                return [problem] * len(requests)
            return await self._apart(requests, range(len(requests)))
        _note_card_numbers(receipts)
        if effects.lanes:
            await self._bell.notify_workers(effects.lanes)
        found = iter(receipts)
        return [[next(found) for _ in request.events] for request in requests]

    async def _apart(
        self, requests: Sequence[Request], guilty: Collection[int]
    ) -> list[Answer[list[Receipt]]]:
        """The innocent together, then the guilty one by one: each has an answer of its own."""
        innocent = [n for n in range(len(requests)) if n not in guilty]
        groups = [innocent, *([n] for n in sorted(guilty))]
        answers: dict[int, Answer[list[Receipt]]] = {}
        for group in groups:
            if group:
                given = await self._commit([requests[n] for n in group])
                answers |= zip(group, given, strict=True)
        return [answers[n] for n in range(len(requests))]

    async def _accept(
        self, conn: AsyncConnection, events: Sequence[Event], actor: Actor, *, keep: bool = True
    ) -> tuple[list[Receipt], Effects]:
        now = self._clock.now()
        unique, wrong = _unique(events)
        new = await store.insert(conn, [events[n] for n in unique], actor=actor, now=now)
        incoming = [
            IncomingEvent(place=unique[n], event_id=event_id, event=events[unique[n]])
            for n, event_id in sorted(new.items())
        ]
        receipts, conflicts = await _receipts(conn, events, incoming)
        context = await self.house(conn)
        effects = await apply_events(conn, incoming, context, actor=actor, now=now)
        wrong += [*(c for c in conflicts if c.index not in {e.index for e in wrong})]
        wrong += effects.errors
        if wrong or not keep:
            raise _Refused(wrong)
        return receipts, effects


def _guilty(requests: Sequence[Request], errors: Sequence[FieldError]) -> set[int]:
    """The requests that errors are about, by the places of all their events one after the other."""
    owner = [n for n, request in enumerate(requests) for _ in request.events]
    return {owner[error.index or 0] for error in errors}


def _note_card_numbers(receipts: Sequence[Receipt]) -> None:
    for receipt in receipts:
        if receipt.is_new and receipt.notes:
            fields = [note.field for note in receipt.notes]
            _log.warning("event.looks_like_card_number", event_id=receipt.event_id, fields=fields)


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
    conn: AsyncConnection, events: Sequence[Event], incoming: Sequence[IncomingEvent]
) -> tuple[list[Receipt], list[FieldError]]:
    """The answer for each event, and the ids that are on record with another content.

    Only those that have not just arrived are looked up.
    """
    new = {(e.event.source, e.event.id): e for e in incoming}
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
