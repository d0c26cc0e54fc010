"""Members: the register, contact data in its erasable side table, enrolments."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.member import Enrolment, Member, MemberStatus, PostalAddress
from notifier.model.states import Channel
from notifier.model.suppression import normal

from .db import dumps, loads, rows, run

_UPSERT = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        member_no text, language text, channel text, as_of timestamptz, contact text,
        email text, enrolments jsonb)
), saved AS (
    INSERT INTO members AS m (member_no, status, language, channel, as_of, updated_at)
    SELECT member_no, 'active', language, channel, as_of, :now FROM given ORDER BY member_no
    ON CONFLICT (member_no) DO UPDATE SET language = excluded.language,
        channel = excluded.channel, as_of = excluded.as_of, updated_at = excluded.updated_at
        WHERE m.as_of <= excluded.as_of
    RETURNING m.member_id, m.member_no, m.xmax = 0 AS is_new
), contacts AS (
    INSERT INTO member_contacts AS c (member_id, contact, email_index, email_since, updated_at)
    SELECT member_id, convert_to(contact, 'UTF8'), address_index(nullif(email, '')), :now, :now
    FROM saved JOIN given USING (member_no)
    ON CONFLICT (member_id) DO UPDATE SET contact = excluded.contact, key_id = NULL,
        nonce = NULL, email_index = excluded.email_index, updated_at = excluded.updated_at,
        email_since = CASE WHEN c.email_index = excluded.email_index THEN c.email_since
            ELSE excluded.email_since END
), gone AS (
    DELETE FROM enrolments e USING saved JOIN given USING (member_no)
    WHERE e.member_id = saved.member_id AND NOT given.enrolments ? e.scheme
), enrolled AS (
    INSERT INTO enrolments (member_id, scheme, policies)
    SELECT member_id, e.key, ARRAY(SELECT jsonb_array_elements_text(e.value))
    FROM saved JOIN given USING (member_no), jsonb_each(given.enrolments) AS e
    ON CONFLICT (member_id, scheme) DO UPDATE SET policies = excluded.policies
)
SELECT member_no, member_id, is_new FROM saved
"""

_SET = 5_000

# Whatever was written, decided or recorded about a member stands on the member.
_BOUND = """
SELECT member_id, member_no FROM members m
WHERE member_id = ANY(CAST(:ids AS bigint[])) AND (
    EXISTS (SELECT FROM messages x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM message_keys x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM cases x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM charges x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM refunds x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM reregistrations x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM inquiries x WHERE x.member_id = m.member_id)
    OR EXISTS (SELECT FROM events x WHERE x.member_no = m.member_no))
"""

_SELECT = """
SELECT m.member_id, m.member_no, m.language, m.channel, m.status, m.left_on, c.contact,
    coalesce((SELECT jsonb_agg(jsonb_build_object('scheme', e.scheme, 'policies', e.policies)
                     ORDER BY e.scheme)
              FROM enrolments e WHERE e.member_id = m.member_id), '[]') AS enrolments
FROM members m JOIN member_contacts c USING (member_id)
"""

_ACTIVE = "SELECT member_no FROM members WHERE status = 'active'"

_NEWER = """
SELECT member_no FROM members
WHERE member_no = ANY(CAST(:numbers AS text[])) AND as_of > :now
"""

_LEFT_BY = """
SELECT member_no, left_by FROM members
WHERE member_no = ANY(CAST(:numbers AS text[])) AND status = 'left'
"""

_LOCK = """
SELECT FROM members WHERE member_no = ANY(CAST(:numbers AS text[]))
ORDER BY member_no FOR NO KEY UPDATE
"""

_MARK_LEFT = """
UPDATE members SET status = 'left', left_on = r.left_on, left_by = r.left_by,
    updated_at = :now
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    member_id bigint, left_on date, left_by bigint)
WHERE members.member_id = r.member_id
"""


async def save(
    conn: AsyncConnection, members: Iterable[tuple[Member, datetime]], *, now: datetime
) -> dict[str, int]:
    """Store members as of a moment; number → id of those that were not on record as newer.

    Somebody who has left stays so: only a person at the register can bring a member back.
    """
    given = [{**_row(member), "as_of": as_of} for member, as_of in members]
    if not given:
        return {}
    found = await rows(conn, _UPSERT, {"rows": dumps(given), "now": now})
    return {r["member_no"]: r["member_id"] for r in found}


async def write(
    conn: AsyncConnection, members: Sequence[Member], *, now: datetime
) -> dict[str, bool]:
    """Store many members as of now, set by set; number → whether the member is new on record."""
    written: dict[str, bool] = {}
    for start in range(0, len(members), _SET):
        given = [{**_row(member), "as_of": now} for member in members[start : start + _SET]]
        found = await rows(conn, _UPSERT, {"rows": dumps(given), "now": now})
        written |= {r["member_no"]: r["is_new"] for r in found}
    return written


async def delete(conn: AsyncConnection, ids: Sequence[int]) -> None:
    """Take away members on whom nothing stands (:func:`bound`)."""
    for table in ("enrolments", "member_contacts", "members"):
        await run(
            conn,
            f"DELETE FROM {table} WHERE member_id = ANY(CAST(:ids AS bigint[]))",
            {"ids": list(ids)},
        )


async def bound(conn: AsyncConnection, ids: Sequence[int]) -> set[str]:
    """Numbers of those members about whom an event, a message, a case … is on record."""
    return {r["member_no"] for r in await rows(conn, _BOUND, {"ids": list(ids)})}


async def active(conn: AsyncConnection) -> set[str]:
    """Numbers of all members who have not left."""
    found = await rows(conn, _ACTIVE)
    return {r["member_no"] for r in found}


async def newer(conn: AsyncConnection, numbers: Sequence[str], *, now: datetime) -> set[str]:
    """Of these members those whose entry is of a later moment than now, as an event said."""
    found = await rows(conn, _NEWER, {"numbers": list(numbers), "now": now})
    return {r["member_no"] for r in found}


async def left_by(conn: AsyncConnection, numbers: Sequence[str]) -> dict[str, int | None]:
    """Of those members who have left: number → the event that told it."""
    found = await rows(conn, _LEFT_BY, {"numbers": list(numbers)})
    return {r["member_no"]: r["left_by"] for r in found}


async def all_after(conn: AsyncConnection, member_id: int, *, limit: int) -> list[Member]:
    """The next members in the order of their ids, for looking through all of them."""
    tail = " WHERE m.member_id > :after ORDER BY m.member_id LIMIT :limit"
    return [
        _member(r) for r in await rows(conn, _SELECT + tail, {"after": member_id, "limit": limit})
    ]


def _row(member: Member) -> dict[str, Any]:
    contact = {
        "name": member.name,
        "kana": member.kana,
        "email": member.email,
        "phone": member.phone,
        "address": member.address and asdict(member.address),
        "organisation": member.organisation,
        "honorific": member.honorific,
    }
    return {
        "member_no": member.member_no,
        "language": member.language,
        "channel": member.channel,
        "contact": dumps(contact),
        "email": normal(member.email) if member.email else "",
        "enrolments": {e.scheme: e.policies for e in member.enrolments},
    }


async def lock(conn: AsyncConnection, numbers: Iterable[str]) -> None:
    """Hold members to the end of the transaction, in order, so that nobody waits in a circle."""
    await run(conn, _LOCK, {"numbers": sorted(numbers)})


async def by_number(
    conn: AsyncConnection, numbers: Sequence[str], *, lock: bool = False
) -> dict[str, Member]:
    """Members by number. With ``lock`` they are held, in order, to the end of the transaction."""
    tail = " WHERE m.member_no = ANY(CAST(:numbers AS text[])) ORDER BY m.member_no"
    tail += " FOR NO KEY UPDATE OF m" if lock else ""
    found = await rows(conn, _SELECT + tail, {"numbers": list(numbers)})
    return {r["member_no"]: _member(r) for r in found}


async def by_id(conn: AsyncConnection, ids: Sequence[int]) -> dict[int, Member]:
    """Members by id."""
    tail = " WHERE m.member_id = ANY(CAST(:ids AS bigint[]))"
    return {
        r["member_id"]: _member(r) for r in await rows(conn, _SELECT + tail, {"ids": list(ids)})
    }


def _member(found: RowMapping) -> Member:
    contact = orjson.loads(found["contact"])
    address = contact["address"]
    return Member(
        member_id=found["member_id"],
        member_no=found["member_no"],
        name=contact["name"],
        kana=contact["kana"],
        email=contact["email"],
        phone=contact["phone"],
        address=PostalAddress(**address) if address else None,
        language=found["language"],
        channel=Channel(found["channel"]) if found["channel"] else None,
        status=MemberStatus(found["status"]),
        left_on=found["left_on"],
        organisation=contact.get("organisation"),
        honorific=contact.get("honorific", ""),
        enrolments=tuple(
            Enrolment(scheme=e["scheme"], policies=tuple(e["policies"]))
            for e in loads(found["enrolments"])
        ),
    )


async def mark_left(
    conn: AsyncConnection, left: Iterable[tuple[int, date, int]], *, now: datetime
) -> None:
    """Note that members (id, day, event id) have left."""
    given = [{"member_id": m, "left_on": day, "left_by": event} for m, day, event in left]
    if given:
        await run(conn, _MARK_LEFT, {"rows": dumps(given), "now": now})
