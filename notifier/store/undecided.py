"""Events that no rule has answered yet: how often that was tried, and when it is tried next."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.event import Event

from .db import fetch, row, rows, run
from .events import WITH_PAYLOAD, event_of


@dataclass(frozen=True, slots=True)
class UndecidedEvent:
    """An event that could not be decided so far."""

    event_id: int
    type: str
    source: str
    id: str
    received_at: datetime
    attempts: int
    problem: str
    tried_at: datetime
    next_try_at: datetime | None
    given_up_at: datetime | None


#: How long to wait after each failure; the next one, a day and a half on, gives the event up.
WAITS: Final = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(hours=24),
)

_FAILED = """
INSERT INTO undecided_events AS u (event_id, attempts, problem, tried_at, next_try_at)
VALUES (:id, 1, :problem, :now, CAST(:now AS timestamptz) + (CAST(:waits AS interval[]))[1])
ON CONFLICT (event_id) DO UPDATE SET attempts = u.attempts + 1, problem = excluded.problem,
    tried_at = excluded.tried_at,
    next_try_at = excluded.tried_at + (CAST(:waits AS interval[]))[u.attempts + 1],
    given_up_at = CASE WHEN u.attempts >= :most THEN excluded.tried_at END
RETURNING attempts, next_try_at
"""

_LISTED = """
SELECT e.event_id, e.type, e.source, e.id, e.received_at, u.attempts, u.problem,
    u.tried_at, u.next_try_at, u.given_up_at
FROM events e JOIN undecided_events u USING (event_id)
WHERE e.decided_at IS NULL ORDER BY e.event_id LIMIT CAST(:limit AS bigint)
"""

_START_AGAIN = """
UPDATE undecided_events u SET attempts = 0, next_try_at = tried_at, given_up_at = NULL
FROM events e WHERE e.event_id = u.event_id AND e.decided_at IS NULL
  AND u.event_id = ANY(CAST(:ids AS bigint[]))
"""


async def failed(
    conn: AsyncConnection, event_id: int, problem: str, *, now: datetime
) -> tuple[int, datetime | None]:
    """Note that an event could not be decided; attempts so far, and the next one (None: given up).

    ``problem``: the name of an error, without any of its text.
    """
    params = {"id": event_id, "problem": problem[:200], "now": now}
    found = await row(conn, _FAILED, {**params, "waits": list(WAITS), "most": len(WAITS)})
    assert found is not None
    return found["attempts"], found["next_try_at"]


async def due(
    conn: AsyncConnection, limit: int, *, now: datetime, only: Sequence[int] | None = None
) -> tuple[list[tuple[int, Event]], list[tuple[int, str, str]]]:
    """Undecided events whose time has come, oldest first, held to the end of the transaction.

    ``only``: these, whether or not it is time. Those that cannot even be read come second, as id,
    type and the name of the error.
    """
    found = await rows(
        conn,
        WITH_PAYLOAD
        + """ LEFT JOIN undecided_events u ON u.event_id = e.event_id
              WHERE e.decided_at IS NULL
                AND (CASE WHEN CAST(:only AS bigint[]) IS NULL
                     THEN u.event_id IS NULL OR u.next_try_at <= :now
                     ELSE e.event_id = ANY(CAST(:only AS bigint[])) END)
              ORDER BY e.event_id LIMIT :limit FOR UPDATE OF e SKIP LOCKED""",
        {"limit": limit, "now": now, "only": None if only is None else list(only)},
    )
    readable: list[tuple[int, Event]] = []
    broken: list[tuple[int, str, str]] = []
    for r in found:
        try:
            readable.append((r["event_id"], event_of(r)))
        except (ValueError, LookupError) as problem:
            broken.append((r["event_id"], r["type"], type(problem).__name__))
    return readable, broken


async def listed(conn: AsyncConnection, limit: int | None) -> Sequence[UndecidedEvent]:
    """Undecided events that were tried, oldest first, with what is on record about the trying."""
    return await fetch(conn, UndecidedEvent, _LISTED, {"limit": limit})


async def start_again(conn: AsyncConnection, event_ids: Sequence[int]) -> int:
    """Forget how often events were tried, so that they have all their attempts anew; how many."""
    return await run(conn, _START_AGAIN, {"ids": list(event_ids)})
