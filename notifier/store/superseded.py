"""Events that another event takes the place of, and what they left behind."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor, system
from notifier.model.reasons import Reason

from .db import dumps, rows, run

# With an event go the corrections of it that came before this one: the latest word counts.
_FAMILY = """
WITH RECURSIVE given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        latest bigint, source text, id text)
), family AS (
    SELECT latest, source, id, event_id FROM given JOIN events USING (source, id)
    WHERE event_id < latest
    UNION
    SELECT f.latest, e.source, e.id, e.event_id
    FROM family f JOIN events e ON (e.source, e.supersedes) = (f.source, f.id)
    WHERE e.event_id < f.latest
)
SELECT latest, event_id FROM family
"""

# The cases that such an event was the last to open: nobody stands behind them any more.
_CLOSE = """
WITH closed AS (
    UPDATE cases c SET state = 'closed', closed_at = :now, next_due_at = NULL, reason = :reason
    FROM events e JOIN members p USING (member_no)
    WHERE e.event_id = ANY(CAST(:ids AS bigint[]))
      AND c.member_id = p.member_id AND c.opener = e.event_id AND c.state = 'open'
      AND NOT c.case_id = ANY(CAST(:others AS bigint[]))
    RETURNING c.case_id
), logged AS (
    INSERT INTO log (at, kind, actor, case_id, after, reason)
    SELECT :now, 'case', :actor, case_id, 'closed', :reason FROM closed
)
SELECT case_id FROM closed
"""

_REOPEN = """
WITH opened AS (
    UPDATE cases SET state = 'open', closed_at = NULL, closed_by = NULL, ended_on = NULL,
        reason = :reason,
        next_due_at = CASE WHEN plan IS NOT NULL THEN CAST(:now AS timestamptz) END
    WHERE closed_by = ANY(CAST(:ids AS bigint[]))
    RETURNING case_id, opener
), again AS (
    -- Its first notice may have been stopped unsent: the sweep decides the event once more.
    UPDATE events e SET decided_at = NULL FROM opened WHERE e.event_id = opened.opener
)
INSERT INTO log (at, kind, actor, case_id, after, reason)
SELECT :now, 'case', :actor, case_id, 'open', :reason FROM opened
"""

_UNSETTLED_MESSAGES = """
SELECT DISTINCT m.message_id FROM message_causes c JOIN messages m USING (message_id)
WHERE c.event_id = ANY(CAST(:ids AS bigint[]))
  AND m.state IN ('held', 'queued', 'claimed', 'printed', 'sending', 'uncertain')
"""

_MEMBERS_OF = """
SELECT DISTINCT member_no FROM events
JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, id text)
USING (source, id)
"""

_UNSETTLE_CHARGES = """
UPDATE charges c SET settled_on = NULL, settled_by = NULL
FROM events e JOIN members p USING (member_no)
WHERE e.event_id = ANY(CAST(:ids AS bigint[]))
  AND c.member_id = p.member_id AND c.settled_by = e.event_id
"""

_RETURN_MEMBERS = """
UPDATE members p SET status = 'active', left_on = NULL, left_by = NULL
FROM events e
WHERE e.event_id = ANY(CAST(:ids AS bigint[]))
  AND p.member_no = e.member_no AND p.left_by = e.event_id
RETURNING p.member_no
"""


async def families(
    conn: AsyncConnection, given: Iterable[tuple[int, str, str]]
) -> Mapping[int, frozenset[int]]:
    """Event id → events that it takes the place of, from (event id, source, superseded id).

    One that names no earlier event is left out.
    """
    asked = [{"latest": latest, "source": source, "id": i} for latest, source, i in given]
    if not asked:
        return {}
    found: dict[int, set[int]] = {}
    for r in await rows(conn, _FAMILY, {"rows": dumps(asked)}):
        found.setdefault(r["latest"], set()).add(r["event_id"])
    return {latest: frozenset(ids) for latest, ids in found.items()}


async def unsettled_messages(conn: AsyncConnection, event_ids: Collection[int]) -> list[int]:
    """The messages that these events caused and that have not left, or may not have."""
    if not event_ids:
        return []
    found = await rows(conn, _UNSETTLED_MESSAGES, {"ids": list(event_ids)})
    return [r["message_id"] for r in found]


async def members_of(conn: AsyncConnection, given: Iterable[tuple[str, str]]) -> set[str]:
    """Numbers of the members that events (source, id) are about."""
    asked = [{"source": source, "id": i} for source, i in given]
    if not asked:
        return set()
    found = await rows(conn, _MEMBERS_OF, {"rows": dumps(asked)})
    return {r["member_no"] for r in found}


async def close_cases(
    conn: AsyncConnection,
    event_ids: Collection[int],
    *,
    others: Collection[int],
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Close the open cases that stand on these events alone, apart from ``others``; their ids."""
    if not event_ids:
        return []
    params = {"ids": list(event_ids), "others": list(others), "actor": str(actor), "now": now}
    found = await rows(conn, _CLOSE, {**params, "reason": Reason.SUPERSEDED})
    return [r["case_id"] for r in found]


async def take_back(
    conn: AsyncConnection, event_ids: Collection[int], *, now: datetime
) -> list[str]:
    """Undo what these events said of payments and of leaving; cases that they closed live on.

    Returns the numbers of those who are members again. The next tick of the clock looks at such a
    case and works out what it has to say.
    """
    if not event_ids:
        return []
    await run(conn, _UNSETTLE_CHARGES, {"ids": list(event_ids)})
    returned = await rows(conn, _RETURN_MEMBERS, {"ids": list(event_ids)})
    params = {"ids": list(event_ids), "now": now, "actor": str(system("door"))}
    await run(conn, _REOPEN, {**params, "reason": Reason.REOPENED})
    return [r["member_no"] for r in returned]
