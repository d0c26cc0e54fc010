"""Cases: what binds the messages about one matter of one member."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.decision import CaseKind
from notifier.model.situation import Advance, CaseRecord

from .db import dumps, loads, row, rows, run
from .put_off import Sweep, is_due

_FIELDS = """case_id, kind, source, matter, member_id, scheme, state, generation, last_failed_on,
    occurred_at, deadline, recharge_on, facts, plan, told_on, reregistered_at, ended_on, reason,
    opener"""

_SAVE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        n integer, kind text, source text, matter text, member_id bigint, scheme text, state text,
        generation integer, last_failed_on date, occurred_at timestamptz, deadline date,
        recharge_on date, facts jsonb, plan text, told_on date, next_due_at timestamptz,
        reregistered_at timestamptz, reregistered_by bigint, ended_on date, closed_by bigint,
        reason text, event_id bigint, opener bigint)
), saved AS (
    INSERT INTO cases AS c (kind, source, matter, member_id, scheme, state, generation,
        last_failed_on, occurred_at, deadline, recharge_on, facts, plan, told_on, next_due_at,
        reregistered_at, reregistered_by, ended_on, closed_by, opener, opened_at, closed_at, reason)
    SELECT kind, source, matter, member_id, scheme, state, generation, last_failed_on,
        occurred_at, deadline, recharge_on, facts, plan, told_on, next_due_at, reregistered_at,
        reregistered_by, ended_on, closed_by, opener, :now,
        CASE state WHEN 'closed' THEN CAST(:now AS timestamptz) END, reason
    FROM given ORDER BY n
    ON CONFLICT (kind, source, matter, member_id) DO UPDATE SET
        state = excluded.state, generation = excluded.generation,
        last_failed_on = excluded.last_failed_on, occurred_at = excluded.occurred_at,
        deadline = excluded.deadline, recharge_on = excluded.recharge_on, facts = excluded.facts,
        plan = excluded.plan, told_on = excluded.told_on, next_due_at = excluded.next_due_at,
        reregistered_at = excluded.reregistered_at,
        reregistered_by = coalesce(excluded.reregistered_by, c.reregistered_by),
        ended_on = excluded.ended_on, closed_by = excluded.closed_by, opener = excluded.opener,
        closed_at = excluded.closed_at, reason = excluded.reason
    RETURNING case_id, kind, source, matter, member_id, reason
), logged AS (
    INSERT INTO log (at, kind, actor, case_id, event_id, after, reason)
    SELECT :now, 'case', :actor, saved.case_id, given.event_id, given.state, saved.reason
    FROM saved JOIN given USING (kind, source, matter, member_id)
)
SELECT given.n, saved.case_id FROM saved JOIN given USING (kind, source, matter, member_id)
"""

# Events about a member are decided under this lock; whoever has it has read the cases. An array,
# so that members are looked up by their key: a join would read all of them.
_DUE_MEMBERS = f"""
SELECT member_id FROM members WHERE member_id = ANY(ARRAY(
    SELECT member_id FROM cases WHERE state = 'open' AND next_due_at <= :now
        AND {is_due(Sweep.CASE, "case_id")}
    ORDER BY next_due_at, case_id LIMIT :limit))
FOR NO KEY UPDATE SKIP LOCKED
"""

_DUE = f"""
SELECT {_FIELDS}, EXISTS (
    SELECT FROM cases o WHERE o.member_id = c.member_id AND o.kind = c.kind
      AND o.case_id <> c.case_id) AS is_one_of_several
FROM cases c
WHERE state = 'open' AND next_due_at <= :now AND member_id = ANY(CAST(:ids AS bigint[]))
    AND {is_due(Sweep.CASE, "case_id")}
ORDER BY case_id
"""

_ADVANCE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        case_id bigint, told_on date, next_due_at timestamptz, ended text)
), saved AS (
    UPDATE cases c SET told_on = given.told_on, next_due_at = given.next_due_at,
        state = CASE WHEN given.ended IS NULL THEN c.state ELSE 'closed' END,
        closed_at = CASE WHEN given.ended IS NOT NULL THEN CAST(:now AS timestamptz) END,
        reason = coalesce(given.ended, c.reason)
    FROM given WHERE c.case_id = given.case_id AND c.state = 'open'
    RETURNING c.case_id, given.ended
)
INSERT INTO log (at, kind, actor, case_id, after, reason)
SELECT :now, 'case', :actor, case_id, 'closed', ended FROM saved WHERE ended IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class DueCase:
    """A case that has something to say by now."""

    case: CaseRecord
    is_one_of_several: bool  # the member has other cases of the kind


_OF_MEMBERS = f"""
SELECT {_FIELDS} FROM cases
WHERE member_id = ANY(CAST(:ids AS bigint[]))
  AND (state = 'open' OR reason IN ('direct_collection', 'timed_out')
       OR matter = ANY(CAST(:matters AS text[])))
ORDER BY case_id
"""

_GET = f"SELECT {_FIELDS} FROM cases WHERE case_id = :id"


def _record(found: RowMapping) -> CaseRecord:
    """A row of the table as the rules see it."""
    return CaseRecord(
        case_id=found["case_id"],
        kind=CaseKind(found["kind"]),
        source=found["source"],
        matter=found["matter"],
        scheme=found["scheme"],
        is_open=found["state"] == "open",
        generation=found["generation"],
        occurred_at=found["occurred_at"],
        last_failed_on=found["last_failed_on"],
        deadline=found["deadline"],
        recharge_on=found["recharge_on"],
        facts=loads(found["facts"]),
        member_id=found["member_id"],
        plan=found["plan"],
        told_on=found["told_on"],
        reregistered_at=found["reregistered_at"],
        ended_on=found["ended_on"],
        reason=found["reason"],
        opener=found["opener"],
    )


async def of_members(
    conn: AsyncConnection, member_ids: Sequence[int], matters: Sequence[str]
) -> dict[int, list[CaseRecord]]:
    """Member id → open cases, and those about ``matters`` even when closed.

    So are those that ended with a last word, which may not have left.
    """
    found = await rows(conn, _OF_MEMBERS, {"ids": list(member_ids), "matters": list(matters)})
    answer: dict[int, list[CaseRecord]] = {}
    for r in found:
        answer.setdefault(r["member_id"], []).append(_record(r))
    return answer


async def save(
    conn: AsyncConnection, cases: Sequence[Mapping[str, Any]], *, actor: Actor, now: datetime
) -> dict[int, int]:
    """Store cases as they now stand; place → case id."""
    if not cases:
        return {}
    given = dumps([{**c, "n": n} for n, c in enumerate(cases)])
    found = await rows(conn, _SAVE, {"rows": given, "now": now, "actor": str(actor)})
    return {r["n"]: r["case_id"] for r in found}


async def due(conn: AsyncConnection, now: datetime, limit: int) -> list[DueCase]:
    """Open cases with something to say by ``now``, all that a member has at once.

    The members are taken for this
    transaction; those at which somebody else is at work just now are left for the next time.
    ``limit``: of cases by which members are found.
    """
    taken = await rows(conn, _DUE_MEMBERS, {"now": now, "limit": limit})
    if not taken:
        return []
    # A statement of its own: what was committed before the lock is seen.
    found = await rows(conn, _DUE, {"ids": [r["member_id"] for r in taken], "now": now})
    return [DueCase(_record(r), r["is_one_of_several"]) for r in found]


async def advance(
    conn: AsyncConnection, steps: Iterable[Advance], *, actor: Actor, now: datetime
) -> None:
    """Store how cases go on; one that has been closed meanwhile stays so."""
    given = [asdict(step) for step in steps]
    if given:
        await run(conn, _ADVANCE, {"rows": dumps(given), "now": now, "actor": str(actor)})


async def get(conn: AsyncConnection, case_id: int) -> CaseRecord | None:
    """One case."""
    found = await row(conn, _GET, {"id": case_id})
    return None if found is None else _record(found)
