"""Figures over the whole record: what came in, what became of it."""

from collections.abc import Sequence

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from .db import rows

_OUTCOMES = """
SELECT e.type, d.outcome, d.reason, count(*) AS count
FROM decisions d JOIN events e USING (event_id)
GROUP BY e.type, d.outcome, d.reason ORDER BY e.type, d.outcome, d.reason
"""

_MESSAGES = """
SELECT notice, step, channel, state, count(*) AS count FROM messages
GROUP BY notice, step, channel, state ORDER BY notice, step, channel, state
"""

_TASKS = """
SELECT kind, state, count(*) AS tasks, sum(count) AS seen FROM tasks
GROUP BY kind, state ORDER BY kind, state
"""

_UNACCOUNTED = """
SELECT e.event_id, e.type FROM events e
WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.event_id = e.event_id)
UNION ALL
SELECT d.event_id, 'decision' FROM decisions d
WHERE d.outcome <> 'skip' AND d.message_id IS NULL
"""

_SENT_TOKENS = """
SELECT message_id, token, state, attempts, notice, step FROM messages
WHERE channel = 'email' ORDER BY message_id
"""


async def outcomes(conn: AsyncConnection) -> Sequence[RowMapping]:
    """type of event, outcome, reason, count: every event has at least one row here."""
    return await rows(conn, _OUTCOMES)


async def messages(conn: AsyncConnection) -> Sequence[RowMapping]:
    """notice, step, channel, state, count."""
    return await rows(conn, _MESSAGES)


async def tasks(conn: AsyncConnection) -> Sequence[RowMapping]:
    """kind, state, number of tasks, and how often their matter was seen."""
    return await rows(conn, _TASKS)


async def unaccounted(conn: AsyncConnection) -> Sequence[RowMapping]:
    """Events without an outcome and sends without a message: empty when all is accounted for."""
    return await rows(conn, _UNACCOUNTED)


async def sent_tokens(conn: AsyncConnection) -> Sequence[RowMapping]:
    """message_id, token, state and attempts of every email: to be compared with a relay's log."""
    return await rows(conn, _SENT_TOKENS)
