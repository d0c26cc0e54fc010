"""What was said on which day, and what was not: the record as a calendar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.states import Channel, State

from .db import fetch


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """A message on its day."""

    day: date
    member_no: str
    notice: str
    step: str
    channel: Channel
    state: State
    reason: str
    message_id: int
    kind: str
    matter: str


@dataclass(frozen=True, slots=True)
class Skip:
    """An event of which no message came."""

    day: date
    member_no: str
    type: str
    notice: str
    reason: str


@dataclass(frozen=True, slots=True)
class ReadyMessage:
    """A message that may go out."""

    message_id: int
    channel: Channel


# A message stands on the day on which it goes or went out; one that was held or stopped, on the
# day on which that was decided.
_MESSAGES = """
SELECT d.day, p.member_no, m.notice, m.step, m.channel, m.state, m.reason, m.message_id,
    c.kind, c.matter
FROM messages m JOIN members p USING (member_id) JOIN cases c USING (case_id),
    LATERAL (SELECT (CASE WHEN m.state IN ('held', 'cancelled', 'expired', 'suppressed')
        THEN m.updated_at ELSE m.next_attempt_at END AT TIME ZONE 'Asia/Tokyo')::date AS day) d
WHERE d.day BETWEEN :first AND :last
ORDER BY d.day, m.notice, m.step, m.channel, m.state, p.member_no
"""

_SKIPS = """
SELECT (d.decided_at AT TIME ZONE 'Asia/Tokyo')::date AS day, e.member_no, e.type, d.notice,
    d.reason
FROM decisions d JOIN events e USING (event_id)
WHERE d.outcome = 'skip' AND (d.decided_at AT TIME ZONE 'Asia/Tokyo')::date
    BETWEEN :first AND :last
ORDER BY 1, e.type, d.reason, e.member_no
"""

_READY = """
SELECT message_id, channel FROM messages
WHERE state = 'queued' AND stopped IS NULL AND next_attempt_at <= :now
  AND expires_at > :now ORDER BY next_attempt_at, message_id
"""


async def messages(conn: AsyncConnection, first: date, last: date) -> Sequence[PlannedMessage]:
    """day, member_no, notice, step, channel, state, reason, message_id, kind and matter of case.

    Of all messages to members between two days, in the order of the days.
    """
    return await fetch(conn, PlannedMessage, _MESSAGES, {"first": first, "last": last})


async def skips(conn: AsyncConnection, first: date, last: date) -> Sequence[Skip]:
    """day, member_no, type of event, notice and reason of everything that made no message."""
    return await fetch(conn, Skip, _SKIPS, {"first": first, "last": last})


async def ready(conn: AsyncConnection, now: datetime) -> Sequence[ReadyMessage]:
    """message_id and channel of everything that may go out by now, in the order of the queue."""
    return await fetch(conn, ReadyMessage, _READY, {"now": now})
