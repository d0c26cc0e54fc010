"""What is kept no longer: texts of events, bytes of what came back. Their records stay."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import run, scalar

_KEY = 7_305_182_407  # any constant: one process tidies at a time

# An event that is undecided, whose message has not come to its end, or whose case is open may have
# to be decided once more.
_PAYLOADS = """
WITH old AS (
    SELECT p.event_id, p.received_at FROM event_payloads p JOIN events e USING (event_id)
    WHERE p.received_at < :before AND e.decided_at IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM message_causes c JOIN messages m USING (message_id)
              LEFT JOIN cases k ON k.case_id = m.case_id
          WHERE c.event_id = p.event_id AND (k.state = 'open' OR m.state IN
              ('held', 'queued', 'claimed', 'sending', 'uncertain', 'printed', 'handed_over')))
    LIMIT :limit
)
DELETE FROM event_payloads p USING old
WHERE (p.event_id, p.received_at) = (old.event_id, old.received_at)
"""

# What was read from them stays, without the words of people.
_RETURNS = """
WITH old AS (
    SELECT b.return_id, b.received_at FROM return_raws b JOIN returns r USING (return_id)
    WHERE b.received_at < greatest(CAST(:before AS timestamptz), CAST(:unread AS timestamptz))
      AND length(b.raw) > 0
      AND CASE r.standing WHEN 'waiting' THEN false WHEN 'person' THEN r.handled_at < :unread
          ELSE r.handled_at < :before END
    LIMIT :limit
)
UPDATE return_raws b SET raw = '' FROM old
WHERE (b.return_id, b.received_at) = (old.return_id, old.received_at)
"""

_IS_MINE = "SELECT pg_try_advisory_xact_lock(:key)"


async def is_mine(conn: AsyncConnection) -> bool:
    """Whether nobody else tidies at the moment; held to the end of the transaction."""
    return bool(await scalar(conn, _IS_MINE, {"key": _KEY}))


async def forget_payloads(conn: AsyncConnection, *, before: datetime, limit: int) -> int:
    """Delete texts of events that came before; how many."""
    return await run(conn, _PAYLOADS, {"before": before, "limit": limit})


async def forget_returns(
    conn: AsyncConnection, *, before: datetime, unread: datetime, limit: int
) -> int:
    """Empty the bytes of returns that were dealt with before, or left unread; how many."""
    params = {"before": before, "unread": unread, "limit": limit}
    return await run(conn, _RETURNS, params)
