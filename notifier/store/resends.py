"""Copies of messages that a person has asked for: why, and which there are already."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.states import Channel, State

from .db import fetch, fetch_one, run, scalar


@dataclass(frozen=True, slots=True)
class RelatedMessage:
    """A message that says the same to the same reader."""

    message_id: int
    state: State
    channel: Channel
    resend_of: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ResendRecord:
    """Why a message is a copy."""

    message_id: int
    resend_of: int
    reason: str
    again: bool
    anyway: bool
    requested_by: str


_RELATED = """
WITH own AS (
    SELECT k.*, m.in_place_of, m.scheme,
        coalesce(f.facts ->> 'charged_on', f.facts ->> 'occurred_on') AS day
    FROM message_keys k JOIN messages m USING (message_id) JOIN message_facts f USING (message_id)
    WHERE k.message_id = :id
)
SELECT m.message_id, m.state, m.channel, r.resend_of, r.reason
FROM messages m LEFT JOIN resends r USING (message_id)
WHERE m.message_id <> :id AND m.message_id IN (
    SELECT k.message_id FROM own JOIN message_keys k
        ON (k.case_id, k.notice, k.step, k.generation)
         = (own.case_id, own.notice, own.step, own.generation)
    UNION ALL SELECT in_place_of FROM own
    UNION ALL SELECT o.message_id FROM own JOIN message_keys k USING (member_id)
        JOIN messages o ON o.message_id = k.message_id AND o.in_place_of = own.message_id
    UNION ALL SELECT message_id FROM resends WHERE resend_of = :id
    -- Of the same matter under another name, as of another mailing.
    UNION ALL SELECT k.message_id FROM own JOIN message_keys k USING (member_id, notice, step)
        JOIN messages o ON o.message_id = k.message_id AND o.scheme = own.scheme
        JOIN message_facts f ON f.message_id = k.message_id
        WHERE coalesce(f.facts ->> 'charged_on', f.facts ->> 'occurred_on') = own.day)
ORDER BY m.message_id
"""

_ADD = """
INSERT INTO resends (message_id, resend_of, reason, again, anyway, requested_at, requested_by)
VALUES (:message, :resend_of, :reason, :again, :anyway, :now, :actor)
"""

# What caused the first message has caused the copy, and it tells of the same cases.
_INHERIT = (
    """INSERT INTO message_causes (message_id, event_id)
       SELECT :message, event_id FROM message_causes WHERE message_id = :resend_of""",
    """INSERT INTO message_cases (message_id, case_id, generation)
       SELECT :message, c.case_id, c.generation FROM message_cases c
       JOIN messages m ON m.message_id = :message
       WHERE c.message_id = :resend_of AND c.case_id <> m.case_id""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resend:
    """What a person has asked for."""

    resend_of: int
    reason: str
    again: bool  # although somebody has it, as far as is known
    anyway: bool  # although its matter has ended


_LOCK_READER = """
SELECT FROM members WHERE member_id =
    (SELECT member_id FROM message_keys WHERE message_id = :id)
FOR NO KEY UPDATE
"""

_NEXT_COPY = """
SELECT coalesce(max(copy), 0) + 1 FROM message_keys
WHERE case_id = :case AND notice = :notice
"""

_OF_MESSAGE = "SELECT * FROM resends WHERE message_id = :id"


async def lock_reader(conn: AsyncConnection, message_id: int) -> None:
    """Hold the member of a message to the end of the transaction: members before messages."""
    await run(conn, _LOCK_READER, {"id": message_id})


async def related(conn: AsyncConnection, message_id: int) -> Sequence[RelatedMessage]:
    """Other messages that say the same to the same reader: message_id, state, channel, and of
    copies resend_of and reason."""
    return await fetch(conn, RelatedMessage, _RELATED, {"id": message_id})


async def next_copy(conn: AsyncConnection, case_id: int | None, notice: str) -> int:
    """The number of the next copy of what a notice says of a case."""
    return int(await scalar(conn, _NEXT_COPY, {"case": case_id, "notice": notice}))


async def add(
    conn: AsyncConnection, message_id: int, asked: Resend, *, actor: Actor, now: datetime
) -> None:
    """Note why a message was made as a copy; it has the causes and cases of the first one."""
    link = {"message": message_id, "resend_of": asked.resend_of}
    given = {"reason": asked.reason, "again": asked.again, "anyway": asked.anyway}
    await run(conn, _ADD, {**link, **given, "now": now, "actor": str(actor)})
    for statement in _INHERIT:
        await run(conn, statement, link)


async def of_message(conn: AsyncConnection, message_id: int) -> ResendRecord | None:
    """Why a message is a copy: resend_of, reason, again, anyway, requested_at, requested_by."""
    return await fetch_one(conn, ResendRecord, _OF_MESSAGE, {"id": message_id})
