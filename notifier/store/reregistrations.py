"""Re-registrations of cards, kept for failures that are told after them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import dumps, rows, run


@dataclass(frozen=True, slots=True)
class Reregistration:
    """A working card was given, for one charge or for all of a scheme."""

    source: str
    scheme: str
    charge_id: str | None
    at: datetime


_SAVE = """
INSERT INTO reregistrations (event_id, member_id, source, scheme, charge_id, at)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(event_id bigint,
    member_id bigint, source text, scheme text, charge_id text, at timestamptz)
ON CONFLICT DO NOTHING
"""

_OF_MEMBERS = """
SELECT member_id, source, scheme, charge_id, at FROM reregistrations
WHERE member_id = ANY(CAST(:ids AS bigint[]))
"""

_TAKE_BACK = "DELETE FROM reregistrations WHERE event_id = ANY(CAST(:ids AS bigint[]))"

_RESUME_CASES = """
UPDATE cases SET reregistered_at = NULL, reregistered_by = NULL,
    next_due_at = CASE WHEN state = 'open' THEN CAST(:now AS timestamptz) END
WHERE reregistered_by = ANY(CAST(:ids AS bigint[]))
"""


async def save(conn: AsyncConnection, told: Iterable[Mapping[str, Any]]) -> None:
    """Store what events say: event_id, member_id, source, scheme, charge_id, at."""
    given = list(told)
    if given:
        await run(conn, _SAVE, {"rows": dumps(given)})


async def of_members(
    conn: AsyncConnection, member_ids: Sequence[int]
) -> dict[int, list[Reregistration]]:
    """Member id → re-registrations."""
    found = await rows(conn, _OF_MEMBERS, {"ids": list(member_ids)})
    answer: dict[int, list[Reregistration]] = {}
    for r in found:
        one = Reregistration(r["source"], r["scheme"], r["charge_id"], r["at"])
        answer.setdefault(r["member_id"], []).append(one)
    return answer


async def take_back(conn: AsyncConnection, event_ids: Collection[int], *, now: datetime) -> None:
    """Undo what these events said; cases that they had stopped are looked at again."""
    if not event_ids:
        return
    ids = {"ids": list(event_ids)}
    await run(conn, _TAKE_BACK, ids)
    await run(conn, _RESUME_CASES, {**ids, "now": now})
