"""Everything on record about one case, in the order in which it came about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.states import Channel

from .db import fetch


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event of a case."""

    event_id: int
    at: datetime
    actor: str
    type: str
    id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """A decision about an event of a case."""

    at: datetime
    type: str
    outcome: str
    reason: str
    notice: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class MoveEntry:
    """A step of a message of a case."""

    at: datetime
    position: int
    kind: str
    actor: str
    after: str | None
    reason: str | None
    message_id: int
    notice: str
    step: str
    channel: Channel
    in_place_of: int | None
    goes_at: datetime | None


@dataclass(frozen=True, slots=True)
class AttemptEntry:
    """An attempt of a message of a case."""

    at: datetime
    message_id: int
    number: int
    relay: str
    outcome: str | None
    command: str | None
    code: int | None
    enhanced: str | None


@dataclass(frozen=True, slots=True)
class ReturnEntry:
    """What came back of a message of a case."""

    at: datetime
    message_id: int
    kind: str
    reason: str | None
    level: str | None
    status: str | None
    code: int | None


@dataclass(frozen=True, slots=True)
class ChangeEntry:
    """A change of a case."""

    at: datetime
    position: int
    actor: str
    after: str | None
    reason: str | None
    event_id: int | None


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """A task about a case."""

    task_id: int
    kind: str
    created_at: datetime
    opens_at: datetime
    state: str
    done_at: datetime | None
    done_by: str | None
    note: str | None


@dataclass(frozen=True, slots=True)
class ListedCase:
    """A case in a list."""

    case_id: int
    kind: str
    matter: str
    scheme: str | None
    state: str
    reason: str | None
    generation: int
    deadline: date | None
    next_due_at: datetime | None
    member_no: str | None


# Events that changed the case or caused its messages, and those that tell of the same charge or
# refund and changed nothing. A payload that is encrypted or erased names no charge.
_EVENTS = """
WITH own AS (
    SELECT e.event_id FROM log l JOIN events e USING (event_id)
    WHERE l.case_id = :id AND l.message_id IS NULL
    UNION
    SELECT c.event_id FROM message_keys k JOIN message_causes c USING (message_id)
    WHERE k.case_id = :id
    UNION
    SELECT e.event_id FROM cases c JOIN members m USING (member_id)
        JOIN events e ON (e.member_no, e.source) = (m.member_no, c.source)
        JOIN event_payloads p ON (p.event_id, p.received_at) = (e.event_id, e.received_at)
    WHERE c.case_id = :id AND p.key_id IS NULL
      AND convert_from(p.payload, 'UTF8')::jsonb->'data'->>
          (CASE c.kind WHEN 'refund' THEN 'refund_id' ELSE 'charge_id' END) = c.matter
)
SELECT e.event_id, e.received_at AS at, e.actor, e.type, e.id, e.occurred_at
FROM own JOIN events e USING (event_id)
ORDER BY e.event_id
"""

# A message may stand under the case of another charge that is told in it.
_OWN = """
WITH own AS (
    SELECT message_id FROM message_keys WHERE case_id = :id
    UNION
    SELECT message_id FROM message_cases WHERE case_id = :id
)
"""

_DECISIONS = f"""
{_OWN}
SELECT d.decided_at AS at, e.type, d.outcome, d.reason, d.notice, d.message_id
FROM decisions d JOIN events e USING (event_id)
WHERE d.event_id = ANY(CAST(:events AS bigint[]))
  AND (d.message_id IS NULL OR d.message_id IN (SELECT message_id FROM own))
ORDER BY d.decision_id
"""

# When a message goes out next is known of its last move only.
_MOVES = f"""
{_OWN}
SELECT l.at, l.position, l.kind, l.actor, l.after, l.reason, m.message_id, m.notice, m.step,
    m.channel, m.in_place_of,
    CASE WHEN l.position = max(l.position) OVER (PARTITION BY m.message_id) AND m.state = 'queued'
        THEN m.next_attempt_at END AS goes_at
FROM own JOIN messages m USING (message_id) JOIN log l USING (message_id)
WHERE l.kind IN ('move', 'amend', 'fallback')
ORDER BY l.position
"""

_ATTEMPTS = f"""
{_OWN}
SELECT coalesce(a.finished_at, a.created_at) AS at, a.message_id, a.number, a.relay, a.outcome,
    a.command, a.code, a.enhanced
FROM own JOIN attempts a USING (message_id)
ORDER BY a.attempt_id
"""

_RETURNS = f"""
{_OWN}
SELECT t.recorded_at AS at, t.message_id, t.kind, t.reason, t.level, t.status, t.code
FROM own JOIN tracking t USING (message_id)
ORDER BY t.entry_id
"""

_CHANGES = """
SELECT at, position, actor, after, reason, event_id FROM log
WHERE case_id = :id AND kind = 'case' AND message_id IS NULL
ORDER BY position
"""

# A hold is one task for all messages that were held for the reason while it was open.
_TASKS = f"""
{_OWN}
SELECT t.task_id, t.kind, t.created_at, t.opens_at, t.state, t.done_at, t.done_by, t.note
FROM tasks t JOIN cases c ON c.case_id = :id
WHERE t.key = c.matter OR t.details->>'charge_id' = c.matter
   OR t.key IN (SELECT 'M' || lpad(message_id::text, 9, '0') FROM own)
   OR t.kind = 'held_message' AND EXISTS (
       SELECT FROM own JOIN messages m USING (message_id) JOIN log l USING (message_id)
       WHERE l.kind = 'move' AND l.after = 'held' AND l.reason = t.details->>'reason'
         AND m.notice = t.details->>'notice' AND m.scheme = t.details->>'scheme'
         AND l.at BETWEEN t.created_at AND coalesce(t.done_at, 'infinity'))
ORDER BY t.task_id
"""

_LIST = """
SELECT c.case_id, c.kind, c.matter, c.scheme, c.state, c.reason, c.generation, c.deadline,
    c.next_due_at, p.member_no
FROM cases c LEFT JOIN members p USING (member_id)
WHERE (CAST(:state AS text) IS NULL OR c.state = :state)
  AND (CAST(:kind AS text) IS NULL OR c.kind = :kind)
  AND (CAST(:member AS text) IS NULL OR p.member_no = :member)
ORDER BY c.next_due_at NULLS LAST, c.case_id DESC LIMIT :limit
"""


async def events(conn: AsyncConnection, case_id: int) -> Sequence[EventEntry]:
    """at (received), event_id, actor, type, id, occurred_at."""
    return await fetch(conn, EventEntry, _EVENTS, {"id": case_id})


async def decisions(
    conn: AsyncConnection, case_id: int, event_ids: Sequence[int]
) -> Sequence[DecisionEntry]:
    """at, type of event, outcome, reason, notice, message_id."""
    return await fetch(conn, DecisionEntry, _DECISIONS, {"id": case_id, "events": list(event_ids)})


async def moves(conn: AsyncConnection, case_id: int) -> Sequence[MoveEntry]:
    """at, kind (of the log), actor, after, reason, and of the message: message_id, notice, step,
    channel, in_place_of, goes_at (when it goes out, after its last move)."""
    return await fetch(conn, MoveEntry, _MOVES, {"id": case_id})


async def attempts(conn: AsyncConnection, case_id: int) -> Sequence[AttemptEntry]:
    """at, message_id, number, relay, outcome, command, code, enhanced."""
    return await fetch(conn, AttemptEntry, _ATTEMPTS, {"id": case_id})


async def returns(conn: AsyncConnection, case_id: int) -> Sequence[ReturnEntry]:
    """What came back: at, message_id, kind, reason, level, status, code."""
    return await fetch(conn, ReturnEntry, _RETURNS, {"id": case_id})


async def changes(conn: AsyncConnection, case_id: int) -> Sequence[ChangeEntry]:
    """at, actor, after (state of the case), reason, event_id."""
    return await fetch(conn, ChangeEntry, _CHANGES, {"id": case_id})


async def tasks(conn: AsyncConnection, case_id: int) -> Sequence[TaskEntry]:
    """task_id, kind, created_at, opens_at, state, done_at, done_by, note."""
    return await fetch(conn, TaskEntry, _TASKS, {"id": case_id})


async def search(conn: AsyncConnection, **given: Any) -> Sequence[ListedCase]:
    """Cases that match ``state``, ``kind`` and ``member`` (None: any), at most ``limit``.

    Those that speak next come first.
    """
    return await fetch(conn, ListedCase, _LIST, given)
