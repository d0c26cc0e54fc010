"""Tracking: entries on messages about what came back, and the messages that returns name."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.states import State
from notifier.model.suppression import normal

from .db import Columns, fetch, row, rows


@dataclass(frozen=True, slots=True)
class TrackingEntry:
    """What a return says about a message."""

    message_id: int
    return_id: int
    at: datetime
    kind: str
    reason: str | None
    hard: bool | None
    level: str | None
    status: str | None
    code: int | None
    forwarded: bool
    email_index: bytes | None
    sent_at: datetime | None
    reply: str | None


_KNOWN = """
SELECT m.message_id, k.token, m.state, m.notice, m.staff_id, m.attempts, c.contact,
    c.email_index, c.email_since AS address_at, s.email AS staff_email,
    (SELECT max(created_at) FROM attempts a WHERE a.message_id = m.message_id) AS sent_at,
    EXISTS (SELECT FROM tracking t WHERE t.message_id = m.message_id AND t.kind = 'bounced'
            AND t.email_index IS NOT NULL) AS counted
FROM message_keys k JOIN messages m USING (message_id)
LEFT JOIN member_contacts c ON c.member_id = m.member_id
LEFT JOIN staff s ON s.staff_id = m.staff_id
WHERE m.channel = 'email'
"""

_OTHERS = """
SELECT DISTINCT a.address FROM unnest(CAST(:addresses AS text[])) AS a(address)
JOIN member_contacts c ON c.email_index = address_index(a.address)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A mail of ours that a return names."""

    message_id: int
    token: str
    state: State
    notice: str
    to_staff: bool
    address: str | None  # its reader's at present, in its normal form
    email_index: bytes | None
    address_at: datetime | None  # since when it is this one, as far as the register tells
    sent_at: datetime | None  # its last permit; None: it has not left
    by_post: bool  # its reader can be written to by letter
    counted: bool  # a bounce of it has counted against its address already


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one return says about its message."""

    message_id: int
    return_id: int
    at: datetime
    kind: str
    reason: str | None = None
    hard: bool | None = None
    level: str | None = None
    status: str | None = None
    code: int | None = None
    forwarded: bool = False  # it tells of another address that the mail had gone on to
    email_index: bytes | None = None  # the address that it counts for or against
    sent_at: datetime | None = None
    reply: str = ""


_BY_TOKEN = f"{_KNOWN} AND k.token = ANY(CAST(:tokens AS text[]))"

_CAME_BACK = """
SELECT (SELECT count(*) FROM (
    SELECT FROM returns r WHERE r.message_id = k.message_id LIMIT :most
) AS found) AS count
FROM message_keys k WHERE k.token = :token
"""

_BY_NUMBER = f"{_KNOWN} AND k.message_id = :id"

_ENTRIES: Final = Columns(Entry, reply="bytea")
_ADD = f"""
WITH given AS (
    SELECT * FROM {_ENTRIES.source}
), added AS (
    INSERT INTO tracking (recorded_at, message_id, return_id, at, kind, reason, hard, level,
        status, code, forwarded, email_index, sent_at)
    SELECT :now, message_id, return_id, at, kind, reason, hard, level, status, code, forwarded,
        email_index, sent_at
    FROM given
    RETURNING entry_id, return_id, message_id, kind, reason
), replied AS (
    INSERT INTO tracking_replies (entry_id, recorded_at, reply)
    SELECT entry_id, :now, reply FROM added JOIN given USING (return_id) WHERE length(reply) > 0
)
INSERT INTO log (at, kind, actor, message_id, case_id, after, reason)
SELECT :now, 'tracking', :actor, message_id, m.case_id, added.kind, added.reason
FROM added JOIN messages m USING (message_id)
RETURNING position
"""

_OF_MESSAGE = """
SELECT t.*, convert_from(r.reply, 'UTF8') AS reply
FROM tracking t LEFT JOIN tracking_replies r USING (entry_id, recorded_at)
WHERE t.message_id = :id ORDER BY t.entry_id
"""

_OF_ADDRESS = """
SELECT t.*, convert_from(r.reply, 'UTF8') AS reply
FROM tracking t LEFT JOIN tracking_replies r USING (entry_id, recorded_at)
WHERE t.email_index = address_index(:address) ORDER BY t.sent_at DESC LIMIT 50
"""


async def by_token(conn: AsyncConnection, tokens: Sequence[str]) -> dict[str, Known]:
    """The mails that these tokens name; a token that nobody knows is left out."""
    if not tokens:
        return {}
    found = await rows(conn, _BY_TOKEN, {"tokens": list(tokens)})
    return {r["token"]: _known(r) for r in found}


async def came_back(conn: AsyncConnection, token: str, *, most: int = 1000) -> int | None:
    """How much has come back to the return path of a token, counted up to ``most``.

    None where no mail of ours has it.
    """
    found = await row(conn, _CAME_BACK, {"token": token, "most": most})
    return None if found is None else int(found["count"])


async def by_number(conn: AsyncConnection, message_id: int) -> Known | None:
    """One mail by its number."""
    found = await rows(conn, _BY_NUMBER, {"id": message_id})
    return _known(found[0]) if found else None


def _known(found: RowMapping) -> Known:
    contact: dict[str, Any] = orjson.loads(found["contact"]) if found["contact"] else {}
    address = found["staff_email"] or contact.get("email") or ""
    return Known(
        message_id=found["message_id"],
        token=found["token"],
        state=State(found["state"]),
        notice=found["notice"],
        to_staff=found["staff_id"] is not None,
        address=normal(address) if address else None,
        email_index=found["email_index"],
        address_at=found["address_at"],
        sent_at=found["sent_at"] if found["attempts"] else None,
        by_post=bool(contact.get("address")),
        counted=found["counted"],
    )


async def of_members(conn: AsyncConnection, addresses: Sequence[str]) -> set[str]:
    """Which of these addresses, in normal form, members of ours have."""
    if not addresses:
        return set()
    found = await rows(conn, _OTHERS, {"addresses": list(addresses)})
    return {r["address"] for r in found}


async def add(
    conn: AsyncConnection, entries: Sequence[Entry], *, actor: Actor, now: datetime
) -> None:
    """Enter what returns say, at most one entry for each return."""
    if not entries:
        return
    await rows(conn, _ADD, {**_ENTRIES.params(entries), "actor": str(actor), "now": now})


async def of_message(conn: AsyncConnection, message_id: int) -> Sequence[TrackingEntry]:
    """The entries of a message with the servers' own words, in order."""
    return await fetch(conn, TrackingEntry, _OF_MESSAGE, {"id": message_id})


async def of_address(conn: AsyncConnection, address: str) -> Sequence[TrackingEntry]:
    """The last entries that counted for or against an address in its normal form, in order."""
    found = await fetch(conn, TrackingEntry, _OF_ADDRESS, {"address": address})
    return found[::-1]
