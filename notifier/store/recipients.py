"""Readers who are no members: each stands beside the case of what is written to them."""

from dataclasses import asdict, dataclass
from datetime import datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.correspondence import Recipient
from notifier.model.decision import CaseKind
from notifier.model.member import PostalAddress
from notifier.model.reasons import Reason

from .db import dumps, fetch_one, row


@dataclass(frozen=True, slots=True)
class Report:
    """What was written under a name."""

    case_id: int
    scheme: str | None
    contact: bytes
    message_id: int
    facts: str


_OPEN = """
WITH opened AS (
    INSERT INTO cases (kind, source, matter, scheme, state, generation, occurred_at, facts,
        opened_at, closed_at, reason)
    VALUES (:kind, :source, :matter, :scheme, 'closed', 1, :now, '{}', :now, :now, :reason)
    ON CONFLICT (source, matter) WHERE member_id IS NULL DO NOTHING
    RETURNING case_id
), written AS (
    INSERT INTO recipients (case_id, contact, updated_at)
    SELECT case_id, convert_to(:contact, 'UTF8'), :now FROM opened
), logged AS (
    INSERT INTO log (at, kind, actor, case_id, after, reason)
    SELECT :now, 'case', :actor, case_id, 'closed', :reason FROM opened
)
SELECT case_id FROM opened
"""

_REPORT = """
SELECT c.case_id, c.scheme, r.contact, m.message_id, CAST(f.facts AS text) AS facts
FROM cases c JOIN recipients r USING (case_id) JOIN message_keys k USING (case_id)
JOIN messages m USING (message_id) JOIN message_facts f USING (message_id)
WHERE c.source = :source AND c.matter = :matter AND c.member_id IS NULL
ORDER BY m.message_id LIMIT 1
"""

_ADDRESS_OF = "SELECT contact FROM recipients WHERE case_id = :id"


async def open_case(
    conn: AsyncConnection,
    recipient: Recipient,
    *,
    source: str,
    matter: str,
    scheme: str,
    actor: Actor,
    now: datetime,
) -> int | None:
    """A case of its own for what is written to somebody outside; None: there is one of the name.

    It says one thing and runs nothing.
    """
    found = await row(
        conn,
        _OPEN,
        {
            "kind": CaseKind.REPORT,
            "source": source,
            "matter": matter,
            "scheme": scheme,
            "contact": dumps(asdict(recipient)),
            "reason": Reason.OPENED,
            "actor": str(actor),
            "now": now,
        },
    )
    return None if found is None else int(found["case_id"])


async def report(conn: AsyncConnection, source: str, matter: str) -> Report | None:
    """What was written under a name: case_id, scheme, contact, message_id, facts (JSON text)."""
    return await fetch_one(conn, Report, _REPORT, {"source": source, "matter": matter})


async def address_of(conn: AsyncConnection, case_id: int) -> PostalAddress:
    """Where what belongs to a case is sent."""
    found = await row(conn, _ADDRESS_OF, {"id": case_id})
    assert found is not None
    return PostalAddress(**orjson.loads(found["contact"])["address"])
