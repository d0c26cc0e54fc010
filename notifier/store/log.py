"""The append-only log: who did what to which message, event, case or task, and why.

Rows are written in the statement or transaction of the change they tell of. They hold ids and
reasons, never contact data.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.message import LogEntry

from .db import fetch, run_all

_APPEND = """
INSERT INTO log (at, kind, actor, message_id, event_id, attempt_id, case_id, task_id, reason)
SELECT :at, :kind, :actor, r.message_id, r.event_id, r.attempt_id, r.case_id, r.task_id, r.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    message_id bigint, event_id bigint, attempt_id bigint, case_id bigint, task_id bigint,
    reason text)
"""

_OF_MESSAGE = """
SELECT at, kind, after, reason, actor, attempt_id
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
    await run_all(conn, _APPEND, entries, at=now, kind=kind, actor=str(actor))


async def of_message(conn: AsyncConnection, message_id: int) -> list[LogEntry]:
    """The timeline of a message, in the order of the log."""
    return await fetch(conn, LogEntry, _OF_MESSAGE, {"id": message_id})
