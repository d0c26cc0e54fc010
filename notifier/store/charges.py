"""Charges: whose they are, what was submitted under them, how they ended."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.situation import ChargedAmounts, ChargeRecord

from .db import dumps, loads, rows, run

Key = tuple[str, str]  # source, charge id

_LOAD = """
SELECT c.source, c.charge_id, c.member_id, c.settled_on, c.refundable, c.silent_on,
    coalesce((SELECT jsonb_agg(jsonb_build_object('charged_on', a.charged_on,
            'premium', a.premium, 'other_fees', a.other_fees, 'total', a.total)
            ORDER BY a.event_id)
        FROM charge_amounts a
        WHERE (a.source, a.charge_id) = (c.source, c.charge_id)), '[]') AS submitted
FROM charges c JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, charge_id text)
    USING (source, charge_id)
"""

_SAVE = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        source text, charge_id text, member_id bigint, event_id bigint, settled_on date,
        refundable integer, silent_on date, amounts jsonb)
), saved AS (
    INSERT INTO charges AS c (source, charge_id, member_id, settled_on, settled_by, refundable,
        silent_on)
    SELECT DISTINCT ON (source, charge_id) source, charge_id, member_id, settled_on,
        CASE WHEN settled_on IS NOT NULL THEN event_id END, refundable, silent_on
    FROM given ORDER BY source, charge_id
    ON CONFLICT (source, charge_id) DO UPDATE SET
        -- Events come in any order: the latest payment counts.
        settled_on = greatest(excluded.settled_on, c.settled_on),
        settled_by = CASE WHEN c.settled_on IS NULL OR excluded.settled_on >= c.settled_on
            THEN coalesce(excluded.settled_by, c.settled_by) ELSE c.settled_by END,
        refundable = coalesce(excluded.refundable, c.refundable),
        silent_on = coalesce(excluded.silent_on, c.silent_on)
)
INSERT INTO charge_amounts (event_id, source, charge_id, charged_on, premium, other_fees, total)
SELECT event_id, source, charge_id, (amounts->>'charged_on')::date,
    (amounts->>'premium')::integer, (amounts->>'other_fees')::integer,
    (amounts->>'total')::integer
FROM given WHERE amounts IS NOT NULL
"""

_SUBMITTED_ON = """
SELECT c.member_id, jsonb_agg(jsonb_build_object('charged_on', a.charged_on,
    'premium', a.premium, 'other_fees', a.other_fees, 'total', a.total)
    ORDER BY a.event_id) AS submitted
FROM charges c JOIN charge_amounts a USING (source, charge_id)
WHERE c.member_id = ANY(CAST(:ids AS bigint[])) AND a.charged_on = :day
GROUP BY c.member_id
"""


async def load(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, tuple[int, ChargeRecord]]:
    """(source, charge id) → (member id, the charge as recorded)."""
    given = [{"source": s, "charge_id": c} for s, c in keys]
    if not given:
        return {}
    answer: dict[Key, tuple[int, ChargeRecord]] = {}
    for r in await rows(conn, _LOAD, {"rows": dumps(given)}):
        charge = ChargeRecord(
            charge_id=r["charge_id"],
            submitted=tuple(_amounts(a) for a in loads(r["submitted"])),
            settled_on=r["settled_on"],
            refundable=r["refundable"],
            silent_before=r["silent_on"] is not None,
        )
        answer[r["source"], r["charge_id"]] = (r["member_id"], charge)
    return answer


def _amounts(stored: Mapping[str, Any]) -> ChargedAmounts:
    return ChargedAmounts(
        charged_on=date.fromisoformat(stored["charged_on"]),
        premium=stored["premium"],
        other_fees=stored["other_fees"],
        total=stored["total"],
    )


async def submitted_on(
    conn: AsyncConnection, member_ids: Iterable[int], day: date
) -> dict[int, ChargeRecord]:
    """Member id → all that was submitted for the member on a day, as one charge.

    For whoever knows the day and not the charge id.
    """
    found = await rows(conn, _SUBMITTED_ON, {"ids": list(member_ids), "day": day})
    return {
        r["member_id"]: ChargeRecord(
            charge_id="", submitted=tuple(_amounts(a) for a in loads(r["submitted"]))
        )
        for r in found
    }


async def save(conn: AsyncConnection, changes: Iterable[Mapping[str, Any]]) -> None:
    """Store what events say of charges: source, charge_id, member_id, event_id and any of
    settled_on, refundable (yen), silent_on, amounts (charged_on, premium, other_fees, total)."""
    given = list(changes)
    if given:
        await run(conn, _SAVE, {"rows": dumps(given)})
