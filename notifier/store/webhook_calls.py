"""Calls of webhooks: kept with their bytes before they are made, claimed, and what came of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.webhook import CallOutcome, CallState

from .db import fetch, fetch_one, row, run, scalar


@dataclass(frozen=True, slots=True)
class ListedCall:
    """A call without its bytes."""

    call_id: int
    public_id: str
    type: str
    items: int
    position: int
    state: str
    attempts: int
    made_at: datetime
    next_attempt_at: datetime
    finished_at: datetime | None
    code: int | None
    outcome: str | None


@dataclass(frozen=True, slots=True)
class CallRecord(ListedCall):
    """A call with its bytes."""

    webhook_id: int
    payload: bytes
    give_up_at: datetime


#: How long a call is tried, from when it was made or replayed.
PATIENCE: Final = timedelta(days=3)


class Call(NamedTuple):
    """A call that is about to be made."""

    call_id: int
    public_id: str  # the same at every attempt
    payload: bytes
    attempts: int  # this one included
    give_up_at: datetime


# A call is on its way from its claim, which takes its outcome away, until one is recorded.
_CLAIM: Final = """
UPDATE webhook_calls SET attempts = attempts + 1, outcome = NULL, next_attempt_at = :again
WHERE call_id = (
    SELECT call_id FROM webhook_calls
    WHERE webhook_id = :id AND state = 'waiting' AND next_attempt_at <= :now
    ORDER BY call_id LIMIT 1)
  AND state = 'waiting'
  AND NOT EXISTS (
    SELECT FROM webhook_calls
    WHERE webhook_id = :id AND state = 'waiting' AND next_attempt_at > :now
      AND attempts > 0 AND outcome IS NULL)
RETURNING call_id, public_id, payload, attempts, give_up_at
"""

_ADD = """
INSERT INTO webhook_calls (webhook_id, public_id, type, items, position, payload, state,
    made_at, give_up_at, next_attempt_at)
VALUES (:webhook, :public, :type, :items, :position, :payload, 'waiting', :now,
    :give_up, :now) RETURNING call_id
"""

_WAITING = "SELECT count(*) FROM webhook_calls WHERE webhook_id = :id AND state = 'waiting'"

_RECORD = """
UPDATE webhook_calls SET state = :state, outcome = :outcome, code = :code,
    next_attempt_at = coalesce(CAST(:retry AS timestamptz), next_attempt_at),
    finished_at = CASE WHEN :state <> 'waiting' THEN CAST(:now AS timestamptz) END
WHERE call_id = :id AND state <> 'done'
"""

_OF_WEBHOOK = """
SELECT call_id, public_id, type, items, position, state, attempts, made_at,
    next_attempt_at, finished_at, code, outcome
FROM webhook_calls
WHERE webhook_id = :id AND (CAST(:state AS text) IS NULL OR state = :state)
ORDER BY call_id DESC LIMIT :limit
"""

_GET = "SELECT * FROM webhook_calls WHERE call_id = :id"

_REPLAY = """
UPDATE webhook_calls SET state = 'waiting', attempts = 0, next_attempt_at = :now,
    give_up_at = :give_up, finished_at = NULL
WHERE webhook_id = :id AND state = :state
  AND (CAST(:call AS bigint) IS NULL OR call_id = :call)
"""

_HASTEN = """
UPDATE webhook_calls SET next_attempt_at = :now
WHERE webhook_id = :id AND state = 'waiting' AND next_attempt_at > :now
  AND outcome IS NOT NULL AND code IS DISTINCT FROM 429
"""

_FORGET = """
DELETE FROM webhook_calls WHERE call_id IN (
    SELECT call_id FROM webhook_calls
    WHERE state = 'done' AND finished_at < :before LIMIT :limit)
"""


async def add(
    conn: AsyncConnection,
    webhook_id: int,
    *,
    public_id: str,
    kind: str,
    payload: bytes,
    items: int,
    position: int,
    now: datetime,
) -> int:
    """Keep a call; its id. ``position`` is that of the last item in it."""
    made = await scalar(
        conn,
        _ADD,
        {
            "webhook": webhook_id,
            "public": public_id,
            "type": kind,
            "items": items,
            "position": position,
            "payload": payload,
            "now": now,
            "give_up": now + PATIENCE,
        },
    )
    return int(made)


async def waiting(conn: AsyncConnection, webhook_id: int) -> int:
    """How many wait."""
    sql = _WAITING
    return int(await scalar(conn, sql, {"id": webhook_id}))


async def claim(
    conn: AsyncConnection, webhook_id: int, *, now: datetime, again: datetime
) -> Call | None:
    """The oldest call that is due, unless one is on its way.

    If nothing is recorded of it, it is due ``again``. The webhook is held by the caller
    (``webhooks.take``). Commit before calling: then a crash repeats a call, and loses none.
    """
    found = await row(conn, _CLAIM, {"id": webhook_id, "now": now, "again": again})
    if found is None:
        return None
    return Call(**{**found, "payload": bytes(found["payload"])})


async def record(
    conn: AsyncConnection,
    call_id: int,
    *,
    state: CallState,
    outcome: CallOutcome,
    code: int | None,
    retry_at: datetime | None,
    now: datetime,
) -> None:
    """What came of an attempt. One that was done meanwhile, by another process, stays done."""
    await run(
        conn,
        _RECORD,
        {
            "id": call_id,
            "state": state,
            "outcome": outcome,
            "code": code,
            "retry": retry_at,
            "now": now,
        },
    )


async def of_webhook(
    conn: AsyncConnection, webhook_id: int, *, state: CallState | None, limit: int
) -> Sequence[ListedCall]:
    """The newest calls, without their bytes."""
    return await fetch(
        conn, ListedCall, _OF_WEBHOOK, {"id": webhook_id, "state": state, "limit": limit}
    )


async def get(conn: AsyncConnection, call_id: int) -> CallRecord | None:
    """One call."""
    return await fetch_one(conn, CallRecord, _GET, {"id": call_id})


async def replay(
    conn: AsyncConnection,
    webhook_id: int,
    *,
    call_id: int | None = None,
    state: CallState,
    now: datetime,
) -> int:
    """Have calls in ``state`` made at once, under the same id: one, or all; how many."""
    return await run(
        conn,
        _REPLAY,
        {"id": webhook_id, "call": call_id, "state": state, "now": now, "give_up": now + PATIENCE},
    )


async def hasten(conn: AsyncConnection, webhook_id: int, *, now: datetime) -> None:
    """Have calls that failed made at once, except where the receiver has asked for less (429)."""
    await run(conn, _HASTEN, {"id": webhook_id, "now": now})


async def forget(conn: AsyncConnection, *, before: datetime, limit: int = 1_000) -> int:
    """Take away calls that were done before a moment; the log still has what they told."""
    return await run(conn, _FORGET, {"before": before, "limit": limit})
