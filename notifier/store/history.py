"""What has been said of a case: in which messages, on which day, with which amounts.

A case may be told in a message that stands under another one's key (``message_cases``).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import dumps, loads, rows

_OF_CASES = """
WITH told AS (
    SELECT case_id, message_id FROM message_keys WHERE case_id = ANY(CAST(:ids AS bigint[]))
    UNION ALL
    SELECT case_id, message_id FROM message_cases WHERE case_id = ANY(CAST(:ids AS bigint[]))
)
"""

# Here and below each row is looked up by index, for itself (LATERAL and OFFSET 0): a plan of joins
# made while the tables are empty, or grow too fast to be analyzed, would read all messages.
_STATE = """CROSS JOIN LATERAL (
    SELECT m.state, m.reason, m.next_attempt_at FROM messages m
    WHERE m.message_id = told.message_id OFFSET 0) m"""


@dataclass(frozen=True, slots=True)
class Said:
    """What has been said of a matter before."""

    message_id: int  # of the latest that stands; 0 if all were taken back
    generation: int  # the highest so far


_SAID = f"""
WITH r AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(n integer, case_id bigint,
        notice text, step text, generation integer)
), told AS (
    SELECT r.n, k.message_id, k.generation FROM r CROSS JOIN LATERAL (
        SELECT k.message_id, k.generation FROM message_keys k
        WHERE (k.case_id, k.notice, k.step) = (r.case_id, r.notice, r.step)
          AND k.generation >= r.generation OFFSET 0) k
    UNION ALL
    SELECT r.n, t.message_id, t.generation FROM r CROSS JOIN LATERAL (
        SELECT t.message_id, t.generation FROM message_cases t
        WHERE t.case_id = r.case_id AND t.generation >= r.generation OFFSET 0) t
    WHERE (r.notice, r.step) = (
        SELECT k.notice, k.step FROM message_keys k WHERE k.message_id = t.message_id)
)
SELECT told.n, max(told.generation) AS generation,
    coalesce(max(told.message_id) FILTER (WHERE NOT (m.state = 'cancelled' AND m.reason IN
        ('superseded', 'member_left', 'settled', 'reregistered', 'direct_collection'))), 0)
        AS message_id
FROM told {_STATE}
GROUP BY told.n
"""

_UNSETTLED = f"""
WITH r AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r(case_id bigint, notices jsonb, below integer)
), told AS (
    SELECT r.case_id, k.message_id FROM r CROSS JOIN LATERAL (
        SELECT k.message_id FROM message_keys k
        WHERE k.case_id = r.case_id AND r.notices ? k.notice
          AND (r.below IS NULL OR k.generation < r.below) OFFSET 0) k
    UNION ALL
    SELECT r.case_id, t.message_id FROM r CROSS JOIN LATERAL (
        SELECT t.message_id FROM message_cases t
        WHERE t.case_id = r.case_id AND (r.below IS NULL OR t.generation < r.below) OFFSET 0) t
    WHERE r.notices ? (SELECT k.notice FROM message_keys k WHERE k.message_id = t.message_id)
)
SELECT told.case_id, told.message_id FROM told {_STATE}
WHERE m.state IN ('held', 'queued', 'claimed', 'printed', 'sending', 'uncertain')
"""

_SPOKEN = f"""
{_OF_CASES}
SELECT told.case_id, max((m.next_attempt_at AT TIME ZONE 'Asia/Tokyo')::date) AS day
FROM told {_STATE}
WHERE m.state NOT IN ('held', 'cancelled', 'expired', 'suppressed')
GROUP BY told.case_id
"""

_SHOWN_IN = f"""
{_OF_CASES}
SELECT DISTINCT case_id, a.role, a.name, a.yen
FROM told JOIN cases c USING (case_id) JOIN shown s USING (message_id),
    jsonb_to_recordset(s.amounts) AS a(role text, name text, yen bigint, charge text)
WHERE a.yen IS NOT NULL AND coalesce(a.charge, c.matter) = c.matter
"""

_SHOWN_TO = """
SELECT k.member_id, jsonb_agg(jsonb_build_array(a.role, a.name, a.yen)) AS amounts
FROM message_keys k JOIN messages m USING (message_id) JOIN shown s USING (message_id),
    jsonb_to_recordset(s.amounts) AS a(role text, name text, yen bigint, charge text)
WHERE k.member_id = ANY(CAST(:ids AS bigint[])) AND m.scheme = :scheme
  AND a.yen IS NOT NULL
GROUP BY k.member_id, s.message_id, s.created_at, a.charge
"""

_SAME_MATTER = """
SELECT k.member_id, max(k.message_id) AS message_id
FROM message_keys k JOIN messages m USING (message_id)
JOIN message_facts f USING (message_id) LEFT JOIN cases c ON c.case_id = k.case_id
WHERE k.member_id = ANY(CAST(:ids AS bigint[])) AND k.notice = :notice
  AND k.step = :step AND m.scheme = :scheme AND f.facts ->> :field = :value
  AND m.state NOT IN ('cancelled', 'expired')
  AND NOT (c.kind = 'mailing' AND c.matter = :but)
GROUP BY k.member_id
"""

_TOLD_IN_MAILING = """
SELECT m.scheme, m.notice, m.step, f.facts
FROM cases c JOIN message_keys k USING (case_id) JOIN messages m USING (message_id)
JOIN message_facts f USING (message_id)
WHERE c.kind = 'mailing' AND c.matter = :name LIMIT 1
"""

_CASES_WITH_HELD = f"""
{_OF_CASES} SELECT DISTINCT told.case_id FROM told {_STATE}
WHERE m.state = 'held'
"""


async def said_before(
    conn: AsyncConnection, wanted: Sequence[Mapping[str, Any]]
) -> dict[int, Said]:
    """Place in ``wanted`` → messages of its case, notice and step from its generation on.

    On whatever channel, also in the message of another case that tells of it. One that was stopped
    unsent has said nothing: where the rules want it said all the same, what had stopped it was
    taken back.
    """
    if not wanted:
        return {}
    given = [{**w, "n": n} for n, w in enumerate(wanted)]
    found = await rows(conn, _SAID, {"rows": dumps(given)})
    return {r["n"]: Said(r["message_id"], r["generation"]) for r in found}


async def unsettled(
    conn: AsyncConnection, asked: Iterable[tuple[int, Sequence[str], int | None]]
) -> dict[int, list[int]]:
    """Case id → messages that have not left, or of which that is not known.

    Asked for by case id, notices, and the generation below which they are (None: all).
    """
    given = [{"case_id": c, "notices": list(n), "below": g} for c, n, g in asked if n]
    if not given:
        return {}
    found = await rows(conn, _UNSETTLED, {"rows": dumps(given)})
    answer: dict[int, list[int]] = {}
    for r in found:
        answer.setdefault(r["case_id"], []).append(r["message_id"])
    return answer


async def spoken(conn: AsyncConnection, case_ids: Sequence[int]) -> dict[int, date]:
    """Case id → the latest day (in Japan) on which a message of it goes out, or went.

    What is held, or was stopped before it left, has not spoken.
    """
    if not case_ids:
        return {}
    found = await rows(conn, _SPOKEN, {"ids": list(case_ids)})
    return {r["case_id"]: r["day"] for r in found}


async def shown_in(
    conn: AsyncConnection, case_ids: Sequence[int]
) -> dict[int, list[tuple[str, str, int]]]:
    """Case id → amounts that its messages have shown: role, name, yen."""
    found = await rows(conn, _SHOWN_IN, {"ids": list(case_ids)})
    answer: dict[int, list[tuple[str, str, int]]] = {}
    for r in found:
        answer.setdefault(r["case_id"], []).append((r["role"], r["name"], r["yen"]))
    return answer


async def shown_to(
    conn: AsyncConnection, member_ids: Sequence[int], scheme: str
) -> dict[int, list[list[tuple[str, str, int]]]]:
    """Member id → what messages about a scheme have shown: for each message and charge by itself,
    its amounts (role, name, yen)."""
    found = await rows(conn, _SHOWN_TO, {"ids": list(member_ids), "scheme": scheme})
    answer: dict[int, list[list[tuple[str, str, int]]]] = {}
    for r in found:
        told = [(role, name, yen) for role, name, yen in loads(r["amounts"])]
        answer.setdefault(r["member_id"], []).append(told)
    return answer


async def same_matter(
    conn: AsyncConnection,
    member_ids: Sequence[int],
    *,
    scheme: str,
    notice: str,
    step: str,
    day: tuple[str, str],
    but: str,
) -> dict[int, int]:
    """Member id → the latest message that tells of the same matter, whatever made it.

    The matter is the same where notice, step, scheme and ``day`` (name of a fact, its value) are.
    What was stopped or has lapsed does not count, nor does the mailing ``but`` itself.
    """
    found = await rows(
        conn,
        _SAME_MATTER,
        {
            "ids": list(member_ids),
            "scheme": scheme,
            "notice": notice,
            "step": step,
            "field": day[0],
            "value": day[1],
            "but": but,
        },
    )
    return {r["member_id"]: r["message_id"] for r in found}


async def told_in_mailing(conn: AsyncConnection, name: str) -> Mapping[str, Any] | None:
    """What a mailing of this name has told: scheme, notice, step and facts of one of its messages;
    None: there is no such mailing."""
    found = await rows(conn, _TOLD_IN_MAILING, {"name": name})
    return {**found[0], "facts": loads(found[0]["facts"])} if found else None


async def cases_with_held(conn: AsyncConnection, case_ids: Sequence[int]) -> set[int]:
    """Those cases in which something is held: what comes after must not overtake it."""
    found = await rows(conn, _CASES_WITH_HELD, {"ids": list(case_ids)})
    return {r["case_id"] for r in found}
