"""Calls of webhooks: kept with their bytes before they are made, claimed, and what came of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.webhook import CallOutcome, CallState

from .db import row, rows, run, scalar

#: How long a call is tried, from when it was made or replayed.
PATIENCE: Final = timedelta(days=3)


class Call(NamedTuple):
    """A call that is about to be made."""

    call_id: int
    public_id: str  # the same at every attempt
    payload: bytes
    attempts: int  # this one included
    give_up_at: datetime


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
        """INSERT INTO webhook_calls (webhook_id, public_id, type, items, position, payload, state,
               made_at, give_up_at, next_attempt_at)
           VALUES (:webhook, :public, :type, :items, :position, :payload, 'waiting', :now,
               :give_up, :now) RETURNING call_id""",
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
    sql = "SELECT count(*) FROM webhook_calls WHERE webhook_id = :id AND state = 'waiting'"
    return int(await scalar(conn, sql, {"id": webhook_id}))


async def claim(
    conn: AsyncConnection, webhook_id: int, *, now: datetime, again: timedelta
) -> Call | None:
    """The oldest call that is due; if nothing is recorded of it, it is due after ``again`` anew.

    Commit before calling: then a crash repeats a call, and loses none.
    """
    found = await row(
        conn,
        """UPDATE webhook_calls c SET attempts = c.attempts + 1, next_attempt_at = :again
           WHERE c.call_id = (
               SELECT call_id FROM webhook_calls JOIN webhooks w USING (webhook_id)
               WHERE webhook_id = :id AND w.state = 'enabled'
                 AND webhook_calls.state = 'waiting' AND next_attempt_at <= :now
               ORDER BY call_id LIMIT 1 FOR UPDATE OF webhook_calls SKIP LOCKED)
           RETURNING c.call_id, c.public_id, c.payload, c.attempts, c.give_up_at""",
        {"id": webhook_id, "now": now, "again": now + again},
    )
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
        """UPDATE webhook_calls SET state = :state, outcome = :outcome, code = :code,
               next_attempt_at = coalesce(CAST(:retry AS timestamptz), next_attempt_at),
               finished_at = CASE WHEN :state <> 'waiting' THEN CAST(:now AS timestamptz) END
           WHERE call_id = :id AND state <> 'done'""",
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
) -> Sequence[RowMapping]:
    """The newest calls, without their bytes."""
    return await rows(
        conn,
        """SELECT call_id, public_id, type, items, position, state, attempts, made_at,
               next_attempt_at, finished_at, code, outcome
           FROM webhook_calls
           WHERE webhook_id = :id AND (CAST(:state AS text) IS NULL OR state = :state)
           ORDER BY call_id DESC LIMIT :limit""",
        {"id": webhook_id, "state": state, "limit": limit},
    )


async def get(conn: AsyncConnection, call_id: int) -> RowMapping | None:
    """One call."""
    return await row(conn, "SELECT * FROM webhook_calls WHERE call_id = :id", {"id": call_id})


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
        """UPDATE webhook_calls SET state = 'waiting', attempts = 0, next_attempt_at = :now,
               give_up_at = :give_up, finished_at = NULL
           WHERE webhook_id = :id AND state = :state
             AND (CAST(:call AS bigint) IS NULL OR call_id = :call)""",
        {
            "id": webhook_id,
            "call": call_id,
            "state": state,
            "now": now,
            "give_up": now + PATIENCE,
        },
    )


async def forget(conn: AsyncConnection, *, before: datetime, limit: int = 1_000) -> int:
    """Take away calls that were done before a moment; the log still has what they told."""
    return await run(
        conn,
        """DELETE FROM webhook_calls WHERE call_id IN (
               SELECT call_id FROM webhook_calls
               WHERE state = 'done' AND finished_at < :before LIMIT :limit)""",
        {"before": before, "limit": limit},
    )
