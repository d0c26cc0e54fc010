"""Tasks: what a person must do. One open task per (kind, key); repeats are counted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.task import RULES, TaskDraft, TaskKind

from .db import dumps, fetch, fetch_one, row, rows, run
from .put_off import Sweep, is_due


@dataclass(frozen=True, slots=True)
class UrgentTask:
    """A task that staff are to be told of."""

    task_id: int
    kind: str
    count: int
    escalation: int
    details: Any
    due_at: datetime


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task, with how many messages wait for it."""

    task_id: int
    kind: str
    key: str
    state: str
    owner: str
    count: int
    details: Any
    urgent: bool
    created_at: datetime
    opens_at: datetime
    due_at: datetime
    escalation: int
    alerted: int
    done_at: datetime | None
    done_by: str | None
    note: str | None
    held: int


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """A message that is held for a task."""

    message_id: int
    member_no: str | None
    created_at: datetime


_RAISE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        kind text, key text, count integer, state text, details jsonb, urgent boolean,
        opens_at timestamptz, due_at timestamptz, escalate_at timestamptz, messages bigint[])
), raised AS (
    INSERT INTO tasks AS t (kind, key, state, owner, count, details, urgent, created_at,
        last_seen_at, opens_at, due_at, escalate_at)
    SELECT kind, key, state, :owner, count, details, urgent, :now, :now, opens_at, due_at,
        escalate_at FROM given ORDER BY kind, key
    ON CONFLICT (kind, key) WHERE state IN ('waiting', 'open')
    DO UPDATE SET count = t.count + excluded.count, last_seen_at = excluded.last_seen_at
    RETURNING t.task_id, t.kind, t.key, (t.xmax = 0) AS is_new
), linked AS (
    INSERT INTO task_messages AS l (task_id, message_id, reason)
    SELECT raised.task_id, m.message_id, m.reason
    FROM raised JOIN given USING (kind, key)
    JOIN messages m ON m.message_id = ANY (given.messages)
    ON CONFLICT (task_id, message_id) DO UPDATE SET reason = excluded.reason
)
INSERT INTO log (at, kind, actor, task_id, after, reason)
SELECT :now, 'task', :actor, task_id, CASE WHEN is_new THEN 'open' ELSE 'counted' END, NULL
FROM raised
"""

_MOOT = """
WITH done AS (
    UPDATE tasks t SET state = 'done', done_at = :now, done_by = :actor
    WHERE t.state = 'open' AND (
        t.kind = 'uncertain_message' AND NOT EXISTS (
            SELECT FROM messages m WHERE m.state = 'uncertain'
              AND m.message_id = CAST(ltrim(t.key, 'M') AS bigint))
        OR t.kind = 'uncertain_batch' AND NOT EXISTS (
            SELECT FROM batches b WHERE b.state = 'uncertain'
              AND b.batch_id = CAST(ltrim(t.key, 'B') AS bigint))
        -- Whoever the letter does not reach either is asked about by the task for that.
        OR t.kind IN ('failed_message', 'suppressed_address') AND EXISTS (
            SELECT FROM messages m WHERE m.fallback IS NOT NULL
              AND (t.kind = 'failed_message' OR m.fallback NOT IN ('ended', 'overtaken'))
              AND m.message_id = CASE WHEN t.key ~ '^M[0-9]+$'
                  THEN CAST(ltrim(t.key, 'M') AS bigint) END)
        OR t.kind = 'unread_return' AND NOT EXISTS (
            SELECT FROM returns r WHERE r.standing = 'person'
              AND CAST(CAST(r.handled_at AT TIME ZONE 'Asia/Tokyo' AS date) AS text) = t.key)
        OR t.kind IN ('held_message', 'unknown_gateway_code') AND NOT EXISTS (
            SELECT FROM task_messages l JOIN messages m USING (message_id)
            WHERE l.task_id = t.task_id AND m.state = 'held' AND m.reason = l.reason)
        -- One task for each type; older ones are about a single event.
        OR t.kind = 'undecided_event' AND NOT EXISTS (
            SELECT FROM events e WHERE e.decided_at IS NULL
              AND t.key IN (e.type, CAST(e.event_id AS text)))
        OR t.kind = 'item_put_off' AND NOT EXISTS (
            SELECT FROM put_off p WHERE t.key = p.sweep || '|' || p.problem)
        OR t.kind = 'rejected_event' AND NOT EXISTS (
            SELECT FROM rejected_entries r WHERE r.replayed_at IS NULL AND r.discarded_at IS NULL
              AND (r.origin, r.errors->0->>'field', r.errors->0->>'code')
                = (t.details->>'stream', t.details->>'field', t.details->>'code')))
    RETURNING task_id
)
INSERT INTO log (at, kind, actor, task_id, after)
SELECT :now, 'task', :actor, task_id, 'done' FROM done
"""

#: Held messages that no open task is about, by what they have in common.
_FORGOTTEN = """
SELECT notice, scheme, reason, array_agg(message_id ORDER BY message_id) AS messages FROM (
    SELECT m.message_id, m.notice, m.scheme, m.reason FROM messages m
    WHERE m.state = 'held' AND NOT EXISTS (
        SELECT FROM task_messages l JOIN tasks t USING (task_id)
        WHERE l.message_id = m.message_id AND l.reason = m.reason
          AND t.state IN ('waiting', 'open'))
    ORDER BY m.message_id LIMIT 1000) AS forgotten
GROUP BY notice, scheme, reason ORDER BY notice, scheme, reason
"""

#: Who owns a task that nobody has taken.
OWNER = "staff"

#: A task, with how many messages wait for it.
_TASK = """
SELECT t.*, (
    SELECT count(*) FROM task_messages l JOIN messages m USING (message_id)
    WHERE l.task_id = t.task_id AND m.state = 'held' AND m.reason = l.reason) AS held
FROM tasks t
"""

_DROP_WAITING = """
UPDATE tasks SET state = 'dropped', done_at = :now
WHERE kind = :kind AND key = ANY(CAST(:keys AS text[])) AND state = 'waiting'
"""

_OPEN_WAITING = "UPDATE tasks SET state = 'open' WHERE state = 'waiting' AND opens_at <= :now"

_ESCALATE = """
UPDATE tasks SET escalation = escalation + 1, urgent = true
WHERE state = 'open' AND escalate_at <= :now AND escalation = 0
"""

_TO_ALERT = f"""
SELECT * FROM tasks
WHERE state = 'open' AND urgent AND alerted <= escalation
  AND (created_at <= :settled OR created_at > :now)
  AND {is_due(Sweep.ALERT, "task_id")}
ORDER BY task_id LIMIT 100 FOR UPDATE SKIP LOCKED
"""

_ALERTED = "UPDATE tasks SET alerted = escalation + 1 WHERE task_id = ANY(CAST(:ids AS bigint[]))"

_SEARCH = f"""
{_TASK} WHERE CAST(:state AS text) IS NULL OR t.state = :state
ORDER BY t.due_at, t.task_id LIMIT :limit
"""

_HELD_FOR = """
SELECT m.message_id, p.member_no, m.created_at
FROM task_messages l JOIN messages m USING (message_id)
LEFT JOIN members p USING (member_id)
WHERE l.task_id = :id AND m.state = 'held' AND m.reason = l.reason
ORDER BY m.message_id LIMIT :limit
"""

_ABOUT_MESSAGE = """
SELECT t.task_id FROM task_messages l JOIN tasks t USING (task_id)
WHERE l.message_id = :id AND t.state IN ('waiting', 'open') ORDER BY t.task_id
"""

_GET = f"{_TASK} WHERE t.task_id = :id"

_IS_OPEN = """
SELECT task_id FROM tasks
WHERE (kind, key) = (:kind, :key) AND state IN ('waiting', 'open')
"""

_TAKE = """
WITH taken AS (
    UPDATE tasks SET owner = :owner
    WHERE task_id = :id AND state IN ('open', 'waiting') RETURNING task_id)
INSERT INTO log (at, kind, actor, task_id, after)
SELECT :now, 'task', :actor, task_id, 'taken' FROM taken
"""

_FINISH = """
WITH done AS (
    UPDATE tasks SET state = 'done', done_at = :now, done_by = :actor, note = :note
    WHERE task_id = :id AND state IN ('open', 'waiting') RETURNING task_id)
INSERT INTO log (at, kind, actor, task_id, after)
SELECT :now, 'task', :actor, task_id, 'done' FROM done
"""


async def raise_all(
    conn: AsyncConnection, drafts: Iterable[TaskDraft], *, actor: Actor, now: datetime
) -> None:
    """Make tasks; one that is open already with the same key counts up instead."""
    given: dict[tuple[str, str], dict[str, Any]] = {}
    for d in drafts:
        known = given.get((d.kind, d.key))
        if known:
            known["count"] += 1
            known["messages"] += d.messages
        else:
            given[d.kind, d.key] = _row(d, now)
    if given:
        params = {"rows": dumps(list(given.values())), "now": now, "actor": str(actor)}
        await run(conn, _RAISE, {**params, "owner": OWNER})


def _row(draft: TaskDraft, now: datetime) -> dict[str, Any]:
    rule, opens = RULES[draft.kind], draft.not_before or now
    return {
        "kind": draft.kind,
        "key": draft.key,
        "count": 1,
        "state": "waiting" if opens > now else "open",
        "details": dict(draft.details),
        "urgent": rule.urgent,
        "opens_at": opens,
        "due_at": opens + rule.due,
        "escalate_at": opens + rule.escalate,
        "messages": [*draft.messages],
    }


async def drop_waiting(
    conn: AsyncConnection, kind: TaskKind, keys: Sequence[str], *, now: datetime
) -> None:
    """Take back tasks that waited for something that has now happened."""
    await run(conn, _DROP_WAITING, {"kind": kind, "keys": list(keys), "now": now})


async def open_waiting(conn: AsyncConnection, *, now: datetime) -> int:
    """Open the waiting tasks whose time has come; how many."""
    return await run(conn, _OPEN_WAITING, {"now": now})


async def escalate(conn: AsyncConnection, *, now: datetime) -> int:
    """Raise open tasks that are past their escalation time, once each; how many."""
    return await run(conn, _ESCALATE, {"now": now})


async def to_alert(
    conn: AsyncConnection, *, now: datetime, settled_before: datetime
) -> Sequence[UrgentTask]:
    """Urgent open tasks that staff have not been told of at their present escalation.

    A task younger than ``settled_before`` still collects its count.
    """
    return await fetch(conn, UrgentTask, _TO_ALERT, {"settled": settled_before, "now": now})


async def alerted(conn: AsyncConnection, task_ids: Sequence[int]) -> None:
    """Note that staff were told of tasks at their present escalation."""
    await run(conn, _ALERTED, {"ids": list(task_ids)})


async def search(conn: AsyncConnection, *, state: str | None, limit: int) -> Sequence[TaskRecord]:
    """Tasks, those that are due first at the top, each with how many messages wait for it."""
    return await fetch(conn, TaskRecord, _SEARCH, {"state": state, "limit": limit})


async def held_for(
    conn: AsyncConnection, task_id: int, *, limit: int = 200
) -> Sequence[HeldMessage]:
    """The messages that are held until a task is seen to, the oldest first."""
    return await fetch(conn, HeldMessage, _HELD_FOR, {"id": task_id, "limit": limit})


async def about_message(conn: AsyncConnection, message_id: int) -> list[int]:
    """Return the open tasks that a message is held for."""
    found = await rows(conn, _ABOUT_MESSAGE, {"id": message_id})
    return [r["task_id"] for r in found]


async def raise_forgotten(conn: AsyncConnection, *, actor: Actor, now: datetime) -> int:
    """Raise tasks for held messages that no open task is about; how many messages."""
    found = await rows(conn, _FORGOTTEN)
    drafts = [
        TaskDraft(
            kind=TaskKind.HELD_MESSAGE,
            key="|".join(r[n] or "" for n in ("notice", "scheme", "reason")),
            details={n: r[n] for n in ("notice", "scheme", "reason") if r[n]},
            messages=tuple(r["messages"]),
        )
        for r in found
    ]
    await raise_all(conn, drafts, actor=actor, now=now)
    return sum(len(d.messages) for d in drafts)


async def get(conn: AsyncConnection, task_id: int) -> TaskRecord | None:
    """One task, with how many messages wait for it."""
    return await fetch_one(conn, TaskRecord, _GET, {"id": task_id})


async def is_open(conn: AsyncConnection, kind: TaskKind, key: str) -> bool:
    """Whether there is an open task about a matter."""
    found = await row(conn, _IS_OPEN, {"kind": kind, "key": key})
    return found is not None


async def take(
    conn: AsyncConnection, task_id: int, owner: str, *, actor: Actor, now: datetime
) -> bool:
    """Give an open task an owner; False when it was not open."""
    done = await run(conn, _TAKE, {"id": task_id, "owner": owner, "actor": str(actor), "now": now})
    return done == 1


async def close_moot(conn: AsyncConnection, *, actor: Actor, now: datetime) -> int:
    """Close open tasks whose matter has settled itself; how many.

    That is: an uncertain message or batch is uncertain no more; a letter has taken the place of a
    mail that failed, or another task says that none can; a person has seen to all returns of that
    day; of the messages that the task is about none is held for its reason any more; of the events
    of a type none is undecided; of the items that failed for a reason none is put off; and what was
    rejected for a reason was replayed or discarded.
    """
    return await run(conn, _MOOT, {"actor": str(actor), "now": now})


async def finish(
    conn: AsyncConnection, task_id: int, *, actor: Actor, note: str, now: datetime
) -> bool:
    """Close a task; False when it was not open."""
    done = await run(conn, _FINISH, {"id": task_id, "actor": str(actor), "note": note, "now": now})
    return done == 1
