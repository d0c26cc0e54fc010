"""Charges: what was submitted and how they ended, refunds of them, cards given anew for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.situation import ChargedAmounts, ChargeRecord, RefundRecord

from .db import grouped, loads, rows, rows_all, run, run_all

Key = tuple[str, str]  # source, charge or refund id

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
    given = ({"source": s, "charge_id": c} for s, c in keys)
    answer: dict[Key, tuple[int, ChargeRecord]] = {}
    for r in await rows_all(conn, _LOAD, given):
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
    await run_all(conn, _SAVE, changes)


_REFUNDS_DECIDED = """
INSERT INTO refunds AS f (source, refund_id, charge_id, member_id, scheme, amount, reason, method,
    decided_event)
SELECT source, refund_id, charge_id, member_id, scheme, amount, reason, method, event_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    source text, refund_id text, charge_id text, member_id bigint, scheme text, amount integer,
    reason text, method text, event_id bigint)
ON CONFLICT (source, refund_id) DO UPDATE SET amount = excluded.amount, reason = excluded.reason,
    method = excluded.method, decided_event = excluded.decided_event
"""

_REFUNDS_COMPLETED = """
UPDATE refunds f SET completed_event = r.event_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, refund_id text, event_id bigint)
WHERE (f.source, f.refund_id) = (r.source, r.refund_id)
"""

_REFUNDS = """
SELECT f.* FROM refunds f
JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, refund_id text)
USING (source, refund_id)
"""


async def refunds(
    conn: AsyncConnection, keys: Iterable[Key]
) -> dict[Key, tuple[int, RefundRecord]]:
    """(source, refund id) → (member id, the refund as decided)."""
    found = await rows_all(conn, _REFUNDS, ({"source": s, "refund_id": i} for s, i in keys))
    fields = ("refund_id", "charge_id", "scheme", "amount", "reason", "method")
    return {
        (r["source"], r["refund_id"]): (r["member_id"], RefundRecord(**{f: r[f] for f in fields}))
        for r in found
    }


async def refunds_decided(conn: AsyncConnection, told: Iterable[Mapping[str, Any]]) -> None:
    """Store decisions; a corrected one replaces the earlier."""
    await run_all(conn, _REFUNDS_DECIDED, told)


async def refunds_completed(conn: AsyncConnection, told: Iterable[Mapping[str, Any]]) -> None:
    """Note that refunds (source, refund_id, event_id) were carried out."""
    await run_all(conn, _REFUNDS_COMPLETED, told)


@dataclass(frozen=True, slots=True)
class Reregistration:
    """A working card was given, for one charge or for all of a scheme."""

    source: str
    scheme: str
    charge_id: str | None
    at: datetime


_REREGISTERED = """
INSERT INTO reregistrations (event_id, member_id, source, scheme, charge_id, at)
SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(event_id bigint,
    member_id bigint, source text, scheme text, charge_id text, at timestamptz)
ON CONFLICT DO NOTHING
"""

_REREGISTRATIONS = """
SELECT member_id, source, scheme, charge_id, at FROM reregistrations
WHERE member_id = ANY(CAST(:ids AS bigint[]))
"""

_TAKE_BACK = "DELETE FROM reregistrations WHERE event_id = ANY(CAST(:ids AS bigint[]))"

_RESUME_CASES = """
UPDATE cases SET reregistered_at = NULL, reregistered_by = NULL,
    next_due_at = CASE WHEN state = 'open' THEN CAST(:now AS timestamptz) END
WHERE reregistered_by = ANY(CAST(:ids AS bigint[]))
"""


async def reregistered(conn: AsyncConnection, told: Iterable[Mapping[str, Any]]) -> None:
    """Store what events say: event_id, member_id, source, scheme, charge_id, at."""
    await run_all(conn, _REREGISTERED, told)


async def reregistrations(
    conn: AsyncConnection, member_ids: Sequence[int]
) -> dict[int, list[Reregistration]]:
    """Member id → re-registrations."""
    found = await rows(conn, _REREGISTRATIONS, {"ids": list(member_ids)})
    fields = ("source", "scheme", "charge_id", "at")
    return grouped((r["member_id"], Reregistration(*(r[f] for f in fields))) for r in found)


async def take_reregistrations_back(
    conn: AsyncConnection, event_ids: Collection[int], *, now: datetime
) -> None:
    """Undo what these events said; cases that they had stopped are looked at again."""
    if not event_ids:
        return
    ids = {"ids": list(event_ids)}
    await run(conn, _TAKE_BACK, ids)
    await run(conn, _RESUME_CASES, {**ids, "now": now})
