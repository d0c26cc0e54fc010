"""Closures: the association's own closed days, each on record with who registered it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.closure import Closure

from .db import dumps, fetch, run


@dataclass(frozen=True, slots=True)
class RegisteredClosure:
    """A closure on record."""

    closure_id: int
    scheme: str | None
    first_day: date
    last_day: date
    name: str


_ADD = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        scheme text, first_day date, last_day date, name text)
), added AS (
    INSERT INTO closures (scheme, first_day, last_day, name, registered_at, registered_by)
    SELECT scheme, first_day, last_day, name, :now, :actor FROM given
    ON CONFLICT (scheme, first_day, last_day) WHERE withdrawn_at IS NULL DO NOTHING
    RETURNING closure_id
)
INSERT INTO log (at, kind, actor, reason)
SELECT :now, 'closure', :actor, 'added:' || closure_id FROM added
"""

_REMOVE = """
WITH gone AS (
    UPDATE closures SET withdrawn_at = :now, withdrawn_by = :actor
    WHERE closure_id = :id AND withdrawn_at IS NULL RETURNING closure_id
)
INSERT INTO log (at, kind, actor, reason)
SELECT :now, 'closure', :actor, 'removed:' || closure_id FROM gone
"""

_IN_FORCE = """
SELECT * FROM closures WHERE withdrawn_at IS NULL
  AND (CAST(:since AS date) IS NULL OR last_day >= :since)
ORDER BY first_day, last_day, closure_id
"""


async def add(
    conn: AsyncConnection, closures: Sequence[Closure], *, actor: Actor, now: datetime
) -> int:
    """Register closures; how many are new. The same days of the same scheme are one."""
    given = [
        {"scheme": c.scheme or None, "first_day": c.first, "last_day": c.last, "name": c.name}
        for c in closures
    ]
    if not given:
        return 0
    return await run(conn, _ADD, {"rows": dumps(given), "actor": str(actor), "now": now})


async def remove(conn: AsyncConnection, closure_id: int, *, actor: Actor, now: datetime) -> bool:
    """Withdraw a closure; False when none of this number is in force."""
    return await run(conn, _REMOVE, {"id": closure_id, "actor": str(actor), "now": now}) == 1


async def in_force(
    conn: AsyncConnection, *, since: date | None = None
) -> Sequence[RegisteredClosure]:
    """Closures that are registered, the earliest first; with ``since`` those not over by then."""
    return await fetch(conn, RegisteredClosure, _IN_FORCE, {"since": since})


async def all_of(conn: AsyncConnection) -> tuple[Closure, ...]:
    """All that are in force, as the rules go by them."""
    return tuple(
        Closure(first=r.first_day, last=r.last_day, name=r.name, scheme=r.scheme or "")
        for r in await in_force(conn)
    )
