"""Figures over the whole record: what came in, what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.states import State

from .db import fetch


@dataclass(frozen=True, slots=True)
class OutcomeCount:
    """How often events of a type had an outcome."""

    type: str
    outcome: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class MessageCount:
    """How many messages of a kind stand in a state."""

    notice: str
    step: str
    channel: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class TaskCount:
    """How many tasks of a kind stand in a state."""

    kind: str
    state: str
    tasks: int
    seen: int


@dataclass(frozen=True, slots=True)
class Unaccounted:
    """An event without an outcome, or a send without a message."""

    event_id: int
    type: str


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail, to be compared with the log of a relay."""

    message_id: int
    token: str
    state: State
    attempts: int
    notice: str
    step: str


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


async def outcomes(conn: AsyncConnection) -> Sequence[OutcomeCount]:
    """type of event, outcome, reason, count: every event has at least one row here."""
    return await fetch(conn, OutcomeCount, _OUTCOMES)


async def messages(conn: AsyncConnection) -> Sequence[MessageCount]:
    """notice, step, channel, state, count."""
    return await fetch(conn, MessageCount, _MESSAGES)


async def tasks(conn: AsyncConnection) -> Sequence[TaskCount]:
    """kind, state, number of tasks, and how often their matter was seen."""
    return await fetch(conn, TaskCount, _TASKS)


async def unaccounted(conn: AsyncConnection) -> Sequence[Unaccounted]:
    """Events without an outcome and sends without a message: empty when all is accounted for."""
    return await fetch(conn, Unaccounted, _UNACCOUNTED)


async def sent_tokens(conn: AsyncConnection) -> Sequence[SentMail]:
    """message_id, token, state and attempts of every email: to be compared with a relay's log."""
    return await fetch(conn, SentMail, _SENT_TOKENS)
