"""What waits to be sent by a channel that has no queue of its own."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.states import Channel

from .db import rows

_DUE = """
SELECT message_id FROM messages
WHERE channel = :channel AND state = 'queued' AND next_attempt_at <= :now
  AND expires_at > :now AND stopped IS NULL
ORDER BY lane, next_attempt_at, message_id LIMIT :limit
FOR UPDATE SKIP LOCKED
"""


async def due(
    conn: AsyncConnection, channel: Channel, *, now: datetime, limit: int = 100
) -> list[int]:
    """Messages that are due, urgent ones first, taken for this transaction."""
    found = await rows(conn, _DUE, {"channel": channel, "now": now, "limit": limit})
    return [r["message_id"] for r in found]
