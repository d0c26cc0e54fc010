"""Suppressions: addresses that no mail is sent to for a while, looked up by their keyed hash."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.suppression import CLEARED, LASTS, LONGEST, SuppressionReason

from . import messages
from .db import Columns, fetch, fetch_one, rows
from .messages import Move


@dataclass(frozen=True, slots=True)
class SuppressionRecord:
    """A suppression with its address."""

    suppression_id: int
    email_index: bytes
    reason: str
    detail: str | None
    score: int
    since: datetime
    until: datetime | None
    return_id: int | None
    message_id: int | None
    note: str
    set_by: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_note: str | None
    address: str | None
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that is to be suppressed."""

    address: str  # in its normal form
    reason: SuppressionReason
    since: datetime
    until: datetime | None = None  # None: as long as the reason says
    detail: str | None = None  # a reason of bounces
    return_id: int | None = None
    message_id: int | None = None
    note: str = ""


_SUPPRESSIONS: Final = Columns(Suppression)
_FINAL = [reason for reason, lasts in LASTS.items() if lasts is None]

# One that a person or a complaint has set keeps its reason and its end, whatever bounces besides.
# One that has run out begins anew with its score, so that the second time lasts longer.
_SET = f"""
WITH given AS (
    SELECT address, address_index(address) AS email_index, reason, detail, since, until,
        return_id, message_id, note
    FROM {_SUPPRESSIONS.source}
), saved AS (
    INSERT INTO suppressions AS s (email_index, reason, detail, score, since, until, return_id,
        message_id, note, set_by)
    SELECT email_index, reason, detail, 1, since, until, return_id,
        message_id, note, :actor
    FROM given ORDER BY email_index
    ON CONFLICT (email_index) WHERE lifted_at IS NULL DO UPDATE SET
        score = s.score + 1,
        since = CASE WHEN s.until <= :now THEN excluded.since ELSE s.since END,
        until = CASE WHEN s.until IS NULL OR excluded.until IS NULL THEN NULL
            ELSE greatest(s.until, excluded.since
                + least((excluded.until - excluded.since) * (s.score + 1), :longest)) END,
        reason = CASE WHEN s.reason = ANY(:final) AND s.until IS NULL THEN s.reason
            ELSE excluded.reason END,
        detail = CASE WHEN s.reason = ANY(:final) AND s.until IS NULL THEN s.detail
            ELSE excluded.detail END,
        return_id = coalesce(excluded.return_id, s.return_id),
        message_id = coalesce(excluded.message_id, s.message_id),
        note = CASE WHEN excluded.note = '' THEN s.note ELSE excluded.note END,
        set_by = excluded.set_by
    RETURNING s.suppression_id, s.email_index, s.message_id, s.reason
), written AS (
    INSERT INTO suppression_addresses (suppression_id, address)
    SELECT suppression_id, convert_to(address, 'UTF8') FROM saved JOIN given USING (email_index)
    ON CONFLICT (suppression_id) DO NOTHING
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, after, reason)
    SELECT :now, 'suppression', :actor, message_id, 'set', reason FROM saved
)
SELECT email_index FROM saved
"""

_LIFT = """
WITH lifted AS (
    UPDATE suppressions SET lifted_at = :now, lifted_by = :actor, lift_note = :note
    WHERE lifted_at IS NULL AND {0}
    RETURNING suppression_id, message_id, reason
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, after, reason)
    SELECT :now, 'suppression', :actor, message_id, 'lifted', reason FROM lifted
)
SELECT suppression_id FROM lifted
"""

#: Whether suppression ``s`` is in force.
IN_FORCE = "s.lifted_at IS NULL AND (s.until IS NULL OR s.until > :now)"

_TO_STOP = f"""
SELECT m.message_id FROM suppressions s
JOIN member_contacts c USING (email_index)
JOIN message_keys k USING (member_id)
JOIN messages m ON m.message_id = k.message_id
WHERE {IN_FORCE} AND m.channel = 'email' AND m.state IN ('queued', 'claimed')
"""

# Days, by when each mail was sent, on which something counted against an address since the last
# thing that disproved it: a delivery, a direct relay that took a mail for it, a person who lifted.
_SOFT = """
WITH wanted AS (SELECT * FROM unnest(CAST(:indexes AS bytea[])) AS w(email_index)),
past AS (
    SELECT email_index, max(at) AS at FROM (
        SELECT email_index, t.sent_at AS at FROM tracking t JOIN wanted USING (email_index)
        WHERE t.kind = 'delivered'
        UNION ALL
        SELECT email_index, lifted_at FROM suppressions JOIN wanted USING (email_index)
        WHERE lifted_at IS NOT NULL
        UNION ALL
        SELECT email_index, a.created_at FROM wanted JOIN member_contacts c USING (email_index)
        JOIN message_keys k USING (member_id) JOIN messages m USING (message_id)
        JOIN attempts a USING (message_id)
        WHERE m.state IN ('sent', 'delivered') AND a.outcome = 'accepted'
          AND a.relay = ANY(CAST(:direct AS text[]))
    ) p GROUP BY email_index
)
SELECT email_index, count(DISTINCT CAST(t.sent_at AT TIME ZONE 'Asia/Tokyo' AS date)) AS days
FROM tracking t JOIN wanted USING (email_index) LEFT JOIN past USING (email_index)
WHERE t.kind = 'bounced' AND (past.at IS NULL OR t.sent_at > past.at)
GROUP BY email_index
"""

_SEE = """
SELECT s.*, convert_from(a.address, 'UTF8') AS address,
    s.lifted_at IS NULL AND (s.until IS NULL OR s.until > :now) AS in_force
FROM suppressions s LEFT JOIN suppression_addresses a USING (suppression_id)
"""


_TO_STOP_OF = f"""
{_TO_STOP}
AND (CAST(:indexes AS bytea[]) IS NULL OR s.email_index = ANY(:indexes))
AND (CAST(:ids AS bigint[]) IS NULL OR m.message_id = ANY(:ids))
AND (CAST(:after AS timestamptz) IS NULL OR s.since > :after)
ORDER BY m.message_id
"""

_ADD_ALL = f"""
SELECT a.address FROM unnest(CAST(:addresses AS text[])) AS a(address)
JOIN suppressions s ON s.email_index = address_index(a.address) WHERE {IN_FORCE}
"""

_SEARCH = f"""
{_SEE} WHERE :lifted OR ({IN_FORCE})
ORDER BY s.suppression_id DESC LIMIT :limit
"""

_GET = f"{_SEE} WHERE s.suppression_id = :id"

_OF_ADDRESS = f"""
{_SEE} WHERE s.email_index = address_index(:address)
ORDER BY s.suppression_id DESC
"""

_OF_MEMBERS = f"""
SELECT c.member_id, s.reason FROM member_contacts c
JOIN suppressions s USING (email_index)
WHERE c.member_id = ANY(CAST(:ids AS bigint[])) AND {IN_FORCE}
"""


async def set_all(
    conn: AsyncConnection, given: Iterable[Suppression], *, actor: Actor, now: datetime
) -> list[bytes]:
    """Suppress addresses; one that is suppressed already counts up and lasts longer.

    One for each address. The indexes of all of them. What waits for them is another matter: see
    :func:`to_stop`.
    """
    wanted = list({s.address: s for s in given}.values())
    if not wanted:
        return []
    ending = [s if s.until else replace(s, until=_end(s)) for s in wanted]
    stamp = {"longest": LONGEST, "final": _FINAL, "actor": str(actor), "now": now}
    found = await rows(conn, _SET, {**_SUPPRESSIONS.params(ending), **stamp})
    return [r["email_index"] for r in found]


def _end(suppression: Suppression) -> datetime | None:
    """When a suppression ends if nobody says so: by its reason."""
    lasts = LASTS[suppression.reason]
    return None if lasts is None else suppression.since + lasts


async def to_stop(
    conn: AsyncConnection, *, now: datetime, indexes: Sequence[bytes] | None = None,
    ids: Sequence[int] | None = None, set_after: datetime | None = None,
) -> list[int]:  # fmt: skip
    """Mails that wait to be sent to a suppressed address, of these indexes, ids, or age only."""
    found = await rows(
        conn,
        _TO_STOP_OF,
        {
            "now": now,
            "indexes": None if indexes is None else list(indexes),
            "ids": None if ids is None else list(ids),
            "after": set_after,
        },
    )
    return [r["message_id"] for r in found]


def stops(ids: Iterable[int]) -> list[Move]:
    """The moves of mails that wait for a suppressed address."""
    return [
        Move(
            message_id=one,
            after=State.SUPPRESSED,
            reason=Reason.ADDRESS_SUPPRESSED,
            only_from=(State.QUEUED, State.CLAIMED),
        )
        for one in ids
    ]


async def add_all(
    conn: AsyncConnection, given: Iterable[Suppression], *, actor: Actor, now: datetime
) -> int:
    """Suppress addresses that are not yet, and stop what waits for them; how many are new."""
    wanted = list(given)
    known = await rows(conn, _ADD_ALL, {"addresses": [s.address for s in wanted], "now": now})
    there = {r["address"] for r in known}
    fresh = [s for s in wanted if s.address not in there]
    indexes = await set_all(conn, fresh, actor=actor, now=now)
    waiting = await to_stop(conn, now=now, indexes=indexes)
    await messages.move(conn, stops(waiting), actor=actor, now=now)
    return len(indexes)


async def soft_days(
    conn: AsyncConnection, indexes: Sequence[bytes], *, direct: Sequence[str]
) -> dict[bytes, int]:
    """Address → days in a row on which a mail to it was sent that came back.

    ``direct``: labels of the relays whose acceptance is the destination's.
    """
    if not indexes:
        return {}
    found = await rows(conn, _SOFT, {"indexes": list(indexes), "direct": list(direct)})
    return {r["email_index"]: r["days"] for r in found}


async def clear(
    conn: AsyncConnection,
    proven: Sequence[tuple[bytes, datetime]],
    *,
    note: str,
    actor: Actor,
    now: datetime,
) -> int:
    """Lift what a success disproves: (address index, when the mail was sent); how many.

    A mail that was sent before its address was suppressed disproves nothing.
    """
    if not proven:
        return 0
    which = """reason = ANY(:cleared) AND EXISTS (
        SELECT FROM unnest(CAST(:indexes AS bytea[]), CAST(:sents AS timestamptz[]))
            AS p(email_index, sent_at)
        WHERE p.email_index = suppressions.email_index AND p.sent_at > suppressions.since)"""
    params = {
        "indexes": [index for index, _ in proven],
        "sents": [sent_at for _, sent_at in proven],
        "cleared": list(CLEARED),
    }
    stamp = {"note": note, "actor": str(actor), "now": now}
    return len(await rows(conn, _LIFT.format(which), {**params, **stamp}))


async def lift(
    conn: AsyncConnection, suppression_id: int, *, note: str, actor: Actor, now: datetime
) -> bool:
    """A person lifts a suppression and says why; False when it was not there, or lifted."""
    stamp = {"note": note, "actor": str(actor), "now": now}
    found = await rows(conn, _LIFT.format("suppression_id = :id"), {"id": suppression_id, **stamp})
    return bool(found)


async def lift_of(
    conn: AsyncConnection, message_id: int, *, note: str, actor: Actor, now: datetime
) -> bool:
    """Lift what a bounce of a message has set, as it was none; whether there was anything."""
    which = "message_id = :id AND reason = ANY(:cleared)"
    stamp = {"note": note, "actor": str(actor), "now": now, "cleared": list(CLEARED)}
    return bool(await rows(conn, _LIFT.format(which), {"id": message_id, **stamp}))


async def search(
    conn: AsyncConnection, *, now: datetime, lifted: bool = False, limit: int | None = 50
) -> Sequence[SuppressionRecord]:
    """The newest suppressions in force; with ``lifted`` those that have ended as well."""
    return await fetch(
        conn, SuppressionRecord, _SEARCH, {"now": now, "lifted": lifted, "limit": limit}
    )


async def get(
    conn: AsyncConnection, suppression_id: int, *, now: datetime
) -> SuppressionRecord | None:
    """One suppression."""
    return await fetch_one(conn, SuppressionRecord, _GET, {"id": suppression_id, "now": now})


async def of_address(
    conn: AsyncConnection, address: str, *, now: datetime
) -> Sequence[SuppressionRecord]:
    """All suppressions of an address in its normal form, the newest first."""
    return await fetch(conn, SuppressionRecord, _OF_ADDRESS, {"address": address, "now": now})


async def of_members(
    conn: AsyncConnection, member_ids: Sequence[int], *, now: datetime
) -> dict[int, SuppressionReason]:
    """Which of these members no mail is sent to, and why."""
    found = await rows(conn, _OF_MEMBERS, {"ids": list(member_ids), "now": now})
    return {r["member_id"]: SuppressionReason(r["reason"]) for r in found}
