"""What became of events: of one, and of all in the order of the decisions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.states import Channel, State

from .db import Params, fetch, fetch_one, rows


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event without its payload."""

    event_id: int
    source: str
    id: str
    type: str
    member_no: str
    occurred_at: datetime
    received_at: datetime
    decided_at: datetime | None
    supersedes: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about an event."""

    outcome: str
    reason: str
    notice: str
    message_id: int | None
    details: Any
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class CausedMessage:
    """A message that an event caused."""

    message_id: int
    notice: str
    step: str
    channel: Channel
    generation: int
    state: State
    reason: str
    updated_at: datetime
    goes_at: datetime | None


@dataclass(frozen=True, slots=True)
class RaisedTask:
    """A task about an event or its messages."""

    task_id: int
    kind: str
    state: str
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry of the stream that could not be accepted."""

    received_at: datetime
    errors: Any
    replayed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ToldDecision:
    """A decision at its place in the order of all."""

    position: int
    at: datetime
    outcome: str
    reason: str
    notice: str
    message_id: int | None
    source: str
    id: str
    type: str
    member_no: str


#: Gives the positions of decisions. A decision is stored by a transaction that has an id by then:
#: it holds locks on the event or on its member.
SEQUENCE: Final = "decisions_decision_id_seq"

_EVENT = """
SELECT event_id, source, id, type, member_no, occurred_at, received_at, decided_at, supersedes
FROM events WHERE (source, id) = (:source, :id)
"""

_LATER = """
SELECT id FROM events WHERE (source, supersedes) = (:source, :id) ORDER BY event_id
"""

_DECISIONS = """
SELECT outcome, reason, notice, message_id, details, decided_at FROM decisions
WHERE event_id = :event_id ORDER BY decision_id
"""

_MESSAGES = """
SELECT m.message_id, m.notice, m.step, m.channel, m.generation, m.state, m.reason, m.updated_at,
    CASE WHEN m.state = 'queued' THEN m.next_attempt_at END AS goes_at
FROM message_causes c JOIN messages m USING (message_id)
WHERE c.event_id = :event_id ORDER BY m.message_id
"""

# Those that the event raised, that ask about it, and that ask about its messages. Of equal ones
# only that which was open when it was decided.
_TASKS = """
WITH wanted AS (
    SELECT r.kind, r.key, d.decided_at AS at
    FROM decisions d
    CROSS JOIN LATERAL jsonb_to_recordset(d.tasks) AS r(kind text, key text)
    WHERE d.event_id = :event_id
    UNION ALL
    -- One task for all undecided events of a type, while it is open; older ones are about one.
    SELECT 'undecided_event', k.key, 'infinity'
    FROM events e CROSS JOIN LATERAL (VALUES (e.type), (CAST(e.event_id AS text))) AS k(key)
    WHERE e.event_id = :event_id AND e.decided_at IS NULL
    UNION ALL
    SELECT k.kind, 'M' || lpad(CAST(c.message_id AS text), 9, '0'), NULL
    FROM message_causes c CROSS JOIN unnest(CAST(:kinds AS text[])) AS k(kind)
    WHERE c.event_id = :event_id
)
SELECT DISTINCT t.task_id, t.kind, t.state, t.created_at, t.due_at
FROM wanted w JOIN tasks t ON (t.kind, t.key) = (w.kind, w.key)
WHERE w.at IS NULL OR w.at BETWEEN t.created_at AND coalesce(t.done_at, 'infinity')
ORDER BY t.task_id
"""

_REJECTED = """
SELECT received_at, errors, replayed_at FROM rejected_entries
WHERE (source, id) = (:source, :id) ORDER BY entry_id
"""

# OFFSET 0 keeps each step to the rows of the one before it, as in the feed of changes.
_TOLD = """
WITH decided AS (
    SELECT decision_id, event_id, decided_at, outcome, reason, notice, message_id FROM decisions
    WHERE decision_id > :after AND decision_id <= :until
      AND outcome = ANY(CAST(:outcomes AS text[]))
    ORDER BY decision_id OFFSET 0
)
SELECT d.decision_id AS position, d.decided_at AS at, d.outcome, d.reason, d.notice, d.message_id,
    e.source, e.id, e.type, e.member_no
FROM decided d
CROSS JOIN LATERAL (
    SELECT source, id, type, member_no FROM events
    WHERE event_id = d.event_id AND source = :source OFFSET 0
) e
ORDER BY d.decision_id LIMIT :limit
"""


async def event(conn: AsyncConnection, source: str, event_id: str) -> EventRecord | None:
    """An event by its identity: event_id, type, member_no, its moments, supersedes."""
    return await fetch_one(conn, EventRecord, _EVENT, {"source": source, "id": event_id})


async def superseded_by(conn: AsyncConnection, source: str, event_id: str) -> list[str]:
    """Ids of the events that correct an event, oldest first."""
    return [r["id"] for r in await rows(conn, _LATER, {"source": source, "id": event_id})]


async def decisions(conn: AsyncConnection, event_id: int) -> Sequence[Decision]:
    """outcome, reason, notice, message_id, details, decided_at; oldest first."""
    return await fetch(conn, Decision, _DECISIONS, {"event_id": event_id})


async def messages(conn: AsyncConnection, event_id: int) -> Sequence[CausedMessage]:
    """The messages that an event caused, as they stand; goes_at of those that are queued."""
    return await fetch(conn, CausedMessage, _MESSAGES, {"event_id": event_id})


async def tasks(conn: AsyncConnection, event_id: int, kinds: Sequence[str]) -> Sequence[RaisedTask]:
    """task_id, kind, state, created_at, due_at; ``kinds``: those that may name a message."""
    return await fetch(conn, RaisedTask, _TASKS, {"event_id": event_id, "kinds": list(kinds)})


async def rejected(conn: AsyncConnection, source: str, event_id: str) -> Sequence[RejectedEntry]:
    """Entries of the stream with this event that could not be accepted; oldest first."""
    return await fetch(conn, RejectedEntry, _REJECTED, {"source": source, "id": event_id})


async def told(conn: AsyncConnection, **given: Any) -> Sequence[ToldDecision]:
    """Decisions about events of ``source`` at positions above ``after`` up to ``until``.

    Only those with one of ``outcomes``; at most ``limit``.
    """
    params: Params = {**given, "outcomes": list(given["outcomes"])}
    return await fetch(conn, ToldDecision, _TOLD, params)
