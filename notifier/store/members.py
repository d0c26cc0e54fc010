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
    RETURNING m.member_id, m.member_no
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
SELECT member_no, member_id FROM saved
"""

_SELECT = """
SELECT m.member_id, m.member_no, m.language, m.channel, m.status, m.left_on, c.contact,
    coalesce((SELECT jsonb_agg(jsonb_build_object('scheme', e.scheme, 'policies', e.policies)
                     ORDER BY e.scheme)
              FROM enrolments e WHERE e.member_id = m.member_id), '[]') AS enrolments
FROM members m JOIN member_contacts c USING (member_id)
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


def _row(member: Member) -> dict[str, Any]:
    contact = {
        "name": member.name,
        "kana": member.kana,
        "email": member.email,
        "phone": member.phone,
        "address": member.address and asdict(member.address),
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
    await run(
        conn,
        """SELECT FROM members WHERE member_no = ANY(CAST(:numbers AS text[]))
           ORDER BY member_no FOR NO KEY UPDATE""",
        {"numbers": sorted(numbers)},
    )


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
        await run(
            conn,
            """UPDATE members SET status = 'left', left_on = r.left_on, left_by = r.left_by,
                   updated_at = :now
               FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
                   member_id bigint, left_on date, left_by bigint)
               WHERE members.member_id = r.member_id""",
            {"rows": dumps(given), "now": now},
        )
