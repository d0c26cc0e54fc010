"""Refunds: decided and completed."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.situation import RefundRecord

from .db import dumps, rows, run

Key = tuple[str, str]  # source, refund id

_DECIDED = """
INSERT INTO refunds AS f (source, refund_id, charge_id, member_id, scheme, amount, reason, method,
    decided_event)
SELECT source, refund_id, charge_id, member_id, scheme, amount, reason, method, event_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    source text, refund_id text, charge_id text, member_id bigint, scheme text, amount integer,
    reason text, method text, event_id bigint)
ON CONFLICT (source, refund_id) DO UPDATE SET amount = excluded.amount, reason = excluded.reason,
    method = excluded.method, decided_event = excluded.decided_event
"""

_COMPLETED = """
UPDATE refunds f SET completed_event = r.event_id
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, refund_id text, event_id bigint)
WHERE (f.source, f.refund_id) = (r.source, r.refund_id)
"""

_LOAD = """
SELECT f.* FROM refunds f
JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, refund_id text)
USING (source, refund_id)
"""


async def load(conn: AsyncConnection, keys: Iterable[Key]) -> dict[Key, tuple[int, RefundRecord]]:
    """(source, refund id) → (member id, the refund as decided)."""
    given = [{"source": s, "refund_id": i} for s, i in keys]
    if not given:
        return {}
    found = await rows(conn, _LOAD, {"rows": dumps(given)})
    fields = ("refund_id", "charge_id", "scheme", "amount", "reason", "method")
    return {
        (r["source"], r["refund_id"]): (r["member_id"], RefundRecord(**{f: r[f] for f in fields}))
        for r in found
    }


async def decided(conn: AsyncConnection, refunds: Iterable[Mapping[str, Any]]) -> None:
    """Store decisions; a corrected one replaces the earlier."""
    given = list(refunds)
    if given:
        await run(conn, _DECIDED, {"rows": dumps(given)})


async def completed(conn: AsyncConnection, refunds: Iterable[Mapping[str, Any]]) -> None:
    """Note that refunds (source, refund_id, event_id) were carried out."""
    given = list(refunds)
    if given:
        await run(conn, _COMPLETED, {"rows": dumps(given)})
