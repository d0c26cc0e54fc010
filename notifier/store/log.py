"""The append-only log: who did what to which message, event, case or task, and why.

Rows are written in the statement or transaction of the change they tell of. They hold ids and
reasons, never contact data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor

from .db import dumps, fetch, run


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the log about a message."""

    position: int
    at: datetime
    kind: str
    actor: str
    before: str | None
    after: str | None
    reason: str | None
    event_id: int | None
    attempt_id: int | None
    task_id: int | None


_APPEND = """
INSERT INTO log (at, kind, actor, message_id, event_id, attempt_id, case_id, task_id, reason)
SELECT :at, :kind, :actor, r.message_id, r.event_id, r.attempt_id, r.case_id, r.task_id, r.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    message_id bigint, event_id bigint, attempt_id bigint, case_id bigint, task_id bigint,
    reason text)
"""

_OF_MESSAGE = """
SELECT position, at, kind, actor, before, after, reason, event_id, attempt_id, task_id
FROM log WHERE message_id = :id ORDER BY position
"""


async def append(
    conn: AsyncConnection,
    kind: str,
    entries: Iterable[Mapping[str, Any]],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Log entries of one kind; each is a mapping of ids (and ``reason``)."""
    found = list(entries)
    if found:
        await run(
            conn, _APPEND, {"at": now, "kind": kind, "actor": str(actor), "rows": dumps(found)}
        )


async def of_message(conn: AsyncConnection, message_id: int) -> Sequence[LogEntry]:
    """The timeline of a message, in the order of the log."""
    return await fetch(conn, LogEntry, _OF_MESSAGE, {"id": message_id})
