"""Changes of state, read from the log in its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import fetch


@dataclass(frozen=True, slots=True)
class Change:
    """A change of state, as others are told of it."""

    position: int
    at: datetime
    message_id: int
    before: str | None
    after: str
    reason: str
    notice: str
    step: str
    channel: str
    generation: int
    member_no: str
    events: Any


# A claim that was given back tells nobody anything. Messages to staff are the house's own.
# OFFSET 0 keeps each step to the rows of the one before it, whatever the planner knows of tables
# that have just grown: joined as a whole, one page would read all messages and all events.
_CHANGES: Final = """
WITH change AS (
    SELECT position, at, message_id, before, after, reason FROM log
    WHERE position > :after AND position <= :until AND kind = 'move'
      AND after = ANY(CAST(:states AS text[]))
      AND NOT (before IS NOT DISTINCT FROM 'claimed' AND after = 'queued')
    ORDER BY position OFFSET 0
)
SELECT c.position, c.at, c.message_id, c.before, c.after, c.reason, m.notice, m.step, m.channel,
    m.generation, m.member_no, caused.events
FROM change c
CROSS JOIN LATERAL (
    SELECT k.notice, k.step, k.channel, k.generation, p.member_no
    FROM message_keys k JOIN members p USING (member_id)
    WHERE k.message_id = c.message_id OFFSET 0
) m
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object('source', e.source, 'id', e.id) ORDER BY e.event_id)
        AS events
    FROM message_causes mc CROSS JOIN LATERAL (
        SELECT event_id, source, id FROM events WHERE event_id = mc.event_id OFFSET 0
    ) e
    WHERE mc.message_id = c.message_id
      AND (CAST(:source AS text) IS NULL OR e.source = :source)
) caused
WHERE CAST(:source AS text) IS NULL OR caused.events IS NOT NULL
ORDER BY c.position LIMIT :limit
"""


async def changes(
    conn: AsyncConnection,
    *,
    after: int,
    until: int,
    source: str | None,
    states: Sequence[str],
    limit: int,
) -> Sequence[Change]:
    """The first ``limit`` changes into ``states`` at positions above ``after`` up to ``until``.

    With ``source`` only of messages that an event of it caused, and only those events are named.
    """
    return await fetch(
        conn,
        Change,
        _CHANGES,
        {"after": after, "until": until, "source": source, "states": list(states), "limit": limit},
    )
