"""What the writer needs of messages, read set-based for a list of message ids."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import fetch
from .templates import AS_OF


class WantedMessage(NamedTuple):
    """What the writer needs of a message. JSON and contact data are as they are stored."""

    message_id: int
    fence: int
    token: str
    channel: str
    notice: str
    step: str
    language: str
    lane: int
    scheme: str | None
    attempts: int
    most_attempts: int | None
    created_at: datetime
    expires_at: datetime
    staff_id: int | None
    facts: str
    member_no: str | None
    contact: bytes | None
    policies: list[str] | None
    staff_name: str | None
    staff_email: str | None
    scheme_name: str | None
    group_no: str | None
    brand: str | None
    publication: int
    recipient: bytes | None


#: What the writer needs of the message itself.
WANTED = """m.fence, m.token, m.channel, m.notice, m.step, m.language, m.lane, m.scheme, m.attempts,
    m.most_attempts, m.created_at, m.expires_at, m.staff_id"""

#: What the writer needs, for messages ``m``.
COLUMNS = f"""m.message_id, {WANTED},
    CAST(f.facts AS text) AS facts,
    p.member_no, c.contact, e.policies, s.name AS staff_name, s.email AS staff_email,
    h.name AS scheme_name, h.group_no, CAST(b.brand AS text) AS brand, {AS_OF}"""

JOINS = """
JOIN message_facts f USING (message_id)
LEFT JOIN members p USING (member_id)
LEFT JOIN member_contacts c USING (member_id)
LEFT JOIN enrolments e ON (e.member_id, e.scheme) = (m.member_id, m.scheme)
LEFT JOIN staff s USING (staff_id)
LEFT JOIN schemes h ON h.scheme = m.scheme
LEFT JOIN LATERAL (
    SELECT brand FROM scheme_brands
    WHERE scheme = m.scheme AND withdrawn_at IS NULL AND valid_from <= :today
    ORDER BY valid_from DESC LIMIT 1
) b ON true"""

# Letters alone go to readers that are on no register.
_LOAD = f"""
SELECT {COLUMNS}, r.contact AS recipient FROM messages m {JOINS}
LEFT JOIN recipients r ON r.case_id = m.case_id AND m.member_id IS NULL
WHERE m.message_id = ANY(CAST(:ids AS bigint[]))
"""


async def load(
    conn: AsyncConnection, ids: Sequence[int], *, today: date
) -> dict[int, WantedMessage]:
    """Message id → message, facts, reader, scheme and the brand in force on ``today``."""
    if not ids:
        return {}
    found = await fetch(conn, WantedMessage, _LOAD, {"ids": list(ids), "today": today})
    return {r.message_id: r for r in found}
