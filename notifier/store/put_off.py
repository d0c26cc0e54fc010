"""What is put off: items of sweeps that failed, each with the time of its next try.

Queries for what is due leave these out; see :mod:`notifier.store.isolation`.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import row, run
from .undecided import WAITS


class Sweep(StrEnum):
    """What the items of a sweep are. Labels: ``sweep.<value>``."""

    CASE = "case"  # that has something to say by itself
    FALLBACK = "fallback"  # a message in whose place a letter may go
    ALERT = "alert"  # a task that staff are to be told of
    RETURN = "return"  # what came back and waited
    REFUSAL = "refusal"  # an attempt that a relay refused for good
    WEBHOOK = "webhook"  # that is to be called


_NOTE: Final = """
INSERT INTO put_off AS p (sweep, item, attempts, problem, tried_at, next_try_at)
VALUES (:sweep, :item, 1, :problem, :now,
    CAST(:now AS timestamptz) + (CAST(:waits AS interval[]))[1])
ON CONFLICT (sweep, item) DO UPDATE SET attempts = p.attempts + 1, problem = excluded.problem,
    tried_at = excluded.tried_at,
    next_try_at = excluded.tried_at + (CAST(:waits AS interval[]))[least(p.attempts + 1, :most)]
RETURNING attempts
"""
_DONE: Final = """
DELETE FROM put_off WHERE sweep = :sweep AND item = ANY(CAST(:items AS bigint[]))
"""
#: What was put off and has ended in another way.
_MOOT: Final = """
DELETE FROM put_off p WHERE CASE p.sweep
    WHEN 'case' THEN NOT EXISTS (
        SELECT FROM cases c WHERE c.case_id = p.item AND c.state = 'open')
    WHEN 'fallback' THEN NOT EXISTS (
        SELECT FROM messages m WHERE m.message_id = p.item AND m.fallback IS NULL)
    WHEN 'alert' THEN NOT EXISTS (
        SELECT FROM tasks t WHERE t.task_id = p.item AND t.state = 'open')
    WHEN 'return' THEN NOT EXISTS (
        SELECT FROM returns r WHERE r.return_id = p.item AND r.standing = 'waiting')
    WHEN 'refusal' THEN NOT EXISTS (
        SELECT FROM attempts a JOIN messages m USING (message_id)
        WHERE a.attempt_id = p.item AND m.state = 'failed')
    WHEN 'webhook' THEN NOT EXISTS (
        SELECT FROM webhooks w WHERE w.webhook_id = p.item AND w.state = 'enabled')
END
"""


def is_due(sweep: Sweep, item: str) -> str:
    """Return the condition (SQL) that an item is not put off; it needs the parameter ``now``."""
    return f"""NOT EXISTS (SELECT FROM put_off WHERE put_off.sweep = '{sweep}'
        AND put_off.item = {item} AND put_off.next_try_at > :now)"""


async def note(
    conn: AsyncConnection, sweep: Sweep, item: int, problem: str, *, now: datetime
) -> int:
    """Note that an item failed, by the name of an error; how often it has been tried."""
    given = {"sweep": sweep, "item": item, "problem": problem, "now": now}
    noted = await row(conn, _NOTE, {**given, "waits": list(WAITS), "most": len(WAITS)})
    assert noted is not None
    return int(noted["attempts"])


async def done(conn: AsyncConnection, sweep: Sweep, items: Sequence[int]) -> None:
    """Note that items went through."""
    await run(conn, _DONE, {"sweep": sweep, "items": list(items)})


async def forget_moot(conn: AsyncConnection) -> None:
    """Forget what was put off and has ended in another way; its task is moot then."""
    await run(conn, _MOOT)
