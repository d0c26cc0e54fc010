"""Tests by keys for tests: events are decided and rendered, and nothing of it becomes real.

They go the way of every event, through the same rules on the same record, in a transaction that
is rolled back, and that the database would not commit either. Only their results are kept, apart
from the record and for a few days, since they quote what members would be written.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import orjson
from pydantic import TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.event_intake import Acceptor, Receipt
from notifier.delivery.compose import StaffSender
from notifier.delivery.editions import Editions
from notifier.model.actor import Actor
from notifier.model.errors import Conflict, FieldError
from notifier.model.event import Event
from notifier.model.message import message_number
from notifier.model.outcome import CausedMessage, EventOutcome, EventStatus, RenderedMessage
from notifier.model.states import State
from notifier.rendering.writer import Writer
from notifier.rules.calendar import japan_date
from notifier.store import compose, test_results
from notifier.store import events as record

from .event_outcomes import read_outcome
from .test_rendering import rendered

KEPT: Final = timedelta(days=7)
#: Messages rendered for one request; setting a letter takes a good part of a second.
_MOST_RENDERED: Final = 20
_WAITS: Final = (State.QUEUED,)
_OUTCOME: Final = TypeAdapter(EventOutcome)

EventKey = tuple[str, str]  # source and id


class KeyTestMode:
    """Takes events for tests, and says what would have become of them."""

    def __init__(
        self,
        engine: AsyncEngine,
        acceptor: Acceptor,
        writer: Writer,
        house: StaffSender,
        now: Callable[[], datetime],
    ) -> None:
        """``house``: what the writer is told of us, as for mails that go out."""
        self._engine, self._acceptor, self._now, self._house = engine, acceptor, now, house
        self._editions = Editions(engine, writer)
        self._one_at_a_time = asyncio.Lock()  # tests wait for each other, real events for none

    async def accept(self, events: Sequence[Event], actor: Actor) -> list[Receipt]:
        """Decide and render events, and keep the results; the same once more changes nothing.

        Raises ``BadInput`` and ``Conflict`` as for real, on the record and on earlier tests.
        """
        keys = {(e.source, e.id) for e in events}
        if keys - (await self._known(events)).keys():
            async with self._one_at_a_time:
                await self._try(events, actor)
        known = await self._known(events)
        return [Receipt(e.source, e.id, known[e.source, e.id]) for e in events]

    async def outcome(self, source: str, event_id: str) -> EventOutcome | None:
        """The result of an event; None of one that was not tested within the last days."""
        async with self._engine.connect() as conn:
            since = self._now() - KEPT
            found = await test_results.get(conn, source, event_id, since=since)
        if found is None:
            return None
        outcome = _OUTCOME.validate_json(bytes(found.outcome))
        return replace(outcome, event_id=found.test_id)

    async def _known(self, events: Sequence[Event]) -> dict[EventKey, int]:
        """Test ids of events that were tested before. Raises ``Conflict``."""
        async with self._engine.connect() as conn:
            found = await test_results.known(conn, {(e.source, e.id) for e in events})
        for place, event in enumerate(events):
            key = (event.source, event.id)
            if key in found and found[key][1] != event.digest:
                error = FieldError("id", "conflict", {"value": event.id}, index=place)
                raise Conflict(*key, [error])
        return {key: test_id for key, (test_id, _) in found.items()}

    async def _try(self, events: Sequence[Event], actor: Actor) -> None:
        now = self._now()
        async with self._engine.connect() as conn:
            transaction = await conn.begin()
            try:
                outcomes, rows = await self._decide(conn, events, actor, now)
            finally:
                await transaction.rollback()
        pictures = await self._render(rows, now)
        results = [
            {
                "source": event.source,
                "id": event.id,
                "digest": event.digest.hex(),
                "outcome": orjson.dumps(_apart(outcome, pictures)).hex(),
            }
            for event, outcome in outcomes
        ]
        async with self._engine.begin() as conn:
            await test_results.forget(conn, before=now - KEPT)
            await test_results.save(conn, results, key_id=actor.name, now=now)

    async def _decide(
        self, conn: AsyncConnection, events: Sequence[Event], actor: Actor, now: datetime
    ) -> tuple[list[tuple[Event, EventOutcome]], dict[int, compose.WantedMessage]]:
        """What becomes of the events, and what the writer needs of the messages that would go."""
        await test_results.guard(conn, now=now)
        recorded = await record.known(conn, {(e.source, e.id) for e in events})
        await self._acceptor.accept_in(conn, events, actor)
        outcomes: dict[EventKey, tuple[Event, EventOutcome]] = {}
        for event in events:
            key = (event.source, event.id)
            found = await read_outcome(conn, *key)
            assert found is not None
            outcomes[key] = (event, _unfollowed(found) if key in recorded else found)
        ids = dict.fromkeys(
            message_number(m.message)
            for _, outcome in outcomes.values()
            for m in outcome.messages
            if m.state in _WAITS
        )
        rows = await compose.load(conn, [*ids][:_MOST_RENDERED], today=japan_date(now))
        return list(outcomes.values()), rows

    async def _render(
        self, rows: dict[int, compose.WantedMessage], now: datetime
    ) -> dict[int, RenderedMessage]:
        if not rows:
            return {}
        await self._editions.open({r.publication for r in rows.values()})
        writers = {i: self._editions.of(r.publication) for i, r in rows.items()}
        return {
            i: await asyncio.to_thread(rendered, writers[i], row, self._house, now)
            for i, row in rows.items()
        }


async def forget_tests(engine: AsyncEngine, now: datetime) -> None:
    """Let go of results that are too old to be shown."""
    async with engine.begin() as conn:
        await test_results.forget(conn, before=now - KEPT)


def _unfollowed(outcome: EventOutcome) -> EventOutcome:
    """Of an event that the record has: a test shows nothing of the record, and adds nothing."""
    return EventOutcome(
        source=outcome.source,
        id=outcome.id,
        status=EventStatus.ALREADY_RECORDED,
        type=outcome.type,
        member_no=outcome.member_no,
        occurred_at=outcome.occurred_at,
    )


def _apart(outcome: EventOutcome, pictures: dict[int, RenderedMessage]) -> EventOutcome:
    """The same without numbers of a record that never was."""
    names = {m.message: f"TEST-{n}" for n, m in enumerate(outcome.messages, 1)}
    messages = tuple(_named(m, names, pictures) for m in outcome.messages)
    return replace(
        outcome,
        test=True,
        event_id=None,
        decisions=tuple(
            replace(d, message=names.get(d.message) if d.message else None)
            for d in outcome.decisions
        ),
        messages=messages,
        tasks=tuple(replace(t, task=None) for t in outcome.tasks),
    )


def _named(
    message: CausedMessage, names: dict[str, str], pictures: dict[int, RenderedMessage]
) -> CausedMessage:
    picture = pictures.get(message_number(message.message))
    return replace(message, message=names[message.message], rendered=picture)
