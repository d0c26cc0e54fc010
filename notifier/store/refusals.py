"""Refusals: what direct relays, whose answers are the destination's, said of addresses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.suppression import CLEARED

from .db import fetch, rows
from .put_off import Sweep, is_due


@dataclass(frozen=True, slots=True)
class Refusal:
    """A permanent refusal by a direct relay."""

    token: str
    attempt_id: int
    relay: str
    command: str | None
    code: int | None
    enhanced: str | None
    finished_at: datetime
    reply: str | None


#: The source under which refusals are kept among the returns.
SOURCE = "refusal"

_UNTOLD = f"""
SELECT m.token, a.attempt_id, a.relay, a.command, a.code, a.enhanced, a.finished_at,
    convert_from(r.reply, 'UTF8') AS reply
FROM messages m JOIN attempts a ON (a.message_id, a.number) = (m.message_id, m.attempts)
LEFT JOIN attempt_replies r
    ON (r.attempt_id, r.created_at) = (a.attempt_id, a.created_at)
WHERE m.state = 'failed' AND m.updated_at > :since AND m.channel = 'email'
  AND a.outcome = 'permanent' AND a.relay = ANY(CAST(:direct AS text[]))
  AND NOT EXISTS (SELECT FROM returns t WHERE t.source = :source
      AND t.external_id = CAST(a.attempt_id AS text))
  AND {is_due(Sweep.REFUSAL, "a.attempt_id")}
ORDER BY m.updated_at LIMIT :limit
"""

_DISPROVED = """
SELECT s.email_index, max(a.created_at) AS sent_at FROM suppressions s
JOIN member_contacts c USING (email_index)
JOIN message_keys k USING (member_id)
JOIN messages m ON m.message_id = k.message_id
JOIN attempts a ON a.message_id = m.message_id
WHERE s.lifted_at IS NULL AND (s.until IS NULL OR s.until > :now)
  AND s.reason = ANY(:cleared) AND a.created_at > s.since
  AND m.state IN ('sent', 'delivered') AND a.outcome = 'accepted'
  AND a.relay = ANY(CAST(:direct AS text[]))
GROUP BY s.email_index
"""

_QUEUE_IDS = """
SELECT m.token, substring(convert_from(r.reply, 'UTF8')
    FROM 'queued as ([0-9A-Za-z]{12,25})') AS queue_id
FROM messages m JOIN attempts a ON (a.message_id, a.number) = (m.message_id, m.attempts)
JOIN attempt_replies r ON (r.attempt_id, r.created_at) = (a.attempt_id, a.created_at)
WHERE m.state IN ('sent', 'uncertain') AND a.created_at > :since
"""


async def untold(
    conn: AsyncConnection, direct: Sequence[str], *, since: datetime, now: datetime, limit: int
) -> Sequence[Refusal]:
    """Permanent refusals since then that are not among the returns yet, with the server's words.

    token, attempt_id, relay, command, code, enhanced, reply, finished_at.
    """
    return await fetch(
        conn,
        Refusal,
        _UNTOLD,
        {"since": since, "direct": list(direct), "source": SOURCE, "limit": limit, "now": now},
    )


async def disproved(
    conn: AsyncConnection, direct: Sequence[str], *, now: datetime
) -> list[tuple[bytes, datetime]]:
    """Suppressed addresses for which a direct relay has taken a mail since, and when."""
    found = await rows(
        conn, _DISPROVED, {"now": now, "direct": list(direct), "cleared": list(CLEARED)}
    )
    return [(r["email_index"], r["sent_at"]) for r in found]


async def queue_ids(conn: AsyncConnection, *, since: datetime) -> dict[str, str]:
    """Queue id → token of what relays took since then and of which no more is known.

    Only long ids of Postfix, which are not used again.
    """
    found = await rows(conn, _QUEUE_IDS, {"since": since})
    return {r["queue_id"]: r["token"] for r in found if r["queue_id"] and "z" in r["queue_id"]}
