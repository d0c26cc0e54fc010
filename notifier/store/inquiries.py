"""Inquiries: who asked what and whether it was answered; their words in an erasable side table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.inquiry import About, Inquiry

from .db import fetch, fetch_one, row, run, scalar


@dataclass(frozen=True, slots=True)
class InquiryRecord:
    """An inquiry with its words."""

    inquiry_id: int
    kind: str
    topic: str
    channel: str
    state: str
    received_at: datetime
    received_by: str
    answered_at: datetime | None
    answered_by: str | None
    message_id: int | None
    member_id: int | None
    campaign_id: int | None
    mailing: str | None
    batch_id: int | None
    member_no: str | None
    text: str | None
    answer: str | None


# What an inquiry about a message belongs to follows from the message, as long as nothing else was
# said: its member, its mailing or campaign, and the batch that it was last printed in.
_ADD = """
WITH given AS (SELECT CAST(:message AS bigint) AS message_id),
about AS (
    SELECT k.message_id, k.member_id, k.campaign_id,
        CASE WHEN c.kind = 'mailing' THEN c.matter END AS mailing,
        (SELECT max(batch_id) FROM pieces p
         WHERE p.message_id = k.message_id AND p.taken_out_at IS NULL) AS batch_id
    FROM message_keys k LEFT JOIN cases c USING (case_id) WHERE k.message_id = :message
), made AS (
    INSERT INTO inquiries (kind, topic, channel, state, received_at, received_by, recorded_at,
        recorded_by, message_id, member_id, campaign_id, mailing, batch_id)
    SELECT :kind, :topic, :channel, 'open', :received_at, :received_by, :now, :actor,
        given.message_id,
        coalesce((SELECT member_id FROM members WHERE member_no = :member_no), about.member_id),
        coalesce(:campaign, about.campaign_id), coalesce(:mailing, about.mailing),
        coalesce(:batch, about.batch_id)
    FROM given LEFT JOIN about USING (message_id)
    RETURNING inquiry_id, message_id
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, after, reason)
    SELECT :now, 'inquiry', :actor, message_id, 'open', :kind || ':' || inquiry_id FROM made
)
SELECT inquiry_id FROM made
"""

_FOUND = """
SELECT i.*, p.member_no,
    (SELECT convert_from(t.text, 'UTF8') FROM inquiry_texts t
     WHERE t.inquiry_id = i.inquiry_id AND t.part = 'inquiry' AND t.key_id IS NULL) AS text,
    (SELECT convert_from(t.text, 'UTF8') FROM inquiry_texts t
     WHERE t.inquiry_id = i.inquiry_id AND t.part = 'answer' AND t.key_id IS NULL) AS answer
FROM inquiries i LEFT JOIN members p USING (member_id)
"""

_MATCH = """
WHERE (CAST(:state AS text) IS NULL OR i.state = :state)
  AND (CAST(:kind AS text) IS NULL OR i.kind = :kind)
  AND (CAST(:message AS bigint) IS NULL OR i.message_id = :message)
  AND (CAST(:member_no AS text) IS NULL OR p.member_no = :member_no)
  AND (CAST(:mailing AS text) IS NULL OR i.mailing = :mailing)
  AND (CAST(:campaign AS bigint) IS NULL OR i.campaign_id = :campaign)
  AND (CAST(:batch AS bigint) IS NULL OR i.batch_id = :batch)
"""

_KNOWN = {
    "message": "SELECT FROM message_keys WHERE message_id = :message",
    "member_no": "SELECT FROM members WHERE member_no = :member_no",
    "mailing": "SELECT FROM cases WHERE kind = 'mailing' AND matter = :mailing",
    "batch": "SELECT FROM batches WHERE batch_id = :batch",
}

_KEEP = "INSERT INTO inquiry_texts (inquiry_id, part, text) VALUES (:id, :part, :text)"

_ANSWER = """
WITH done AS (
    UPDATE inquiries SET state = 'answered', answered_at = :now, answered_by = :by
    WHERE inquiry_id = :id AND state = 'open' RETURNING inquiry_id, message_id, kind
), logged AS (
    INSERT INTO log (at, kind, actor, message_id, before, after, reason)
    SELECT :now, 'inquiry', :actor, message_id, 'open', 'answered',
        kind || ':' || inquiry_id FROM done
)
SELECT inquiry_id FROM done
"""

_SEARCH = f"{_FOUND} {_MATCH} ORDER BY i.inquiry_id DESC LIMIT :limit"


def _of(about: About) -> dict[str, object]:
    return {
        "message": about.message_id,
        "member_no": about.member_no,
        "mailing": about.mailing,
        "campaign": about.campaign_id,
        "batch": about.batch_id,
    }


async def missing(conn: AsyncConnection, about: About) -> list[str]:
    """Which fields of ``about`` name what is not on record."""
    given = _of(about)
    return [
        field
        for field, sql in _KNOWN.items()
        if given[field] is not None
        and not await scalar(conn, f"SELECT EXISTS ({sql})", {field: given[field]})
    ]


async def add(conn: AsyncConnection, inquiry: Inquiry, *, actor: Actor, now: datetime) -> int:
    """Put an inquiry on record; its id. What it is about is on record already."""
    made = await scalar(
        conn,
        _ADD,
        {
            **_of(inquiry.about),
            "kind": inquiry.kind,
            "topic": inquiry.topic,
            "channel": inquiry.channel,
            "received_at": inquiry.received_at,
            "received_by": inquiry.received_by,
            "now": now,
            "actor": str(actor),
        },
    )
    if inquiry.text:
        await _keep(conn, int(made), "inquiry", inquiry.text)
    return int(made)


async def _keep(conn: AsyncConnection, inquiry_id: int, part: str, text: str) -> None:
    sql = _KEEP
    await run(conn, sql, {"id": inquiry_id, "part": part, "text": text.encode()})


async def answer(
    conn: AsyncConnection,
    inquiry_id: int,
    *,
    answered_by: str,
    text: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Note that an open inquiry was answered; False where there is none."""
    found = await row(
        conn, _ANSWER, {"id": inquiry_id, "by": answered_by, "actor": str(actor), "now": now}
    )
    if found is not None and text:
        await _keep(conn, inquiry_id, "answer", text)
    return found is not None


async def get(conn: AsyncConnection, inquiry_id: int) -> InquiryRecord | None:
    """One inquiry with its words."""
    return await fetch_one(
        conn, InquiryRecord, _FOUND + " WHERE i.inquiry_id = :id", {"id": inquiry_id}
    )


async def search(
    conn: AsyncConnection,
    about: About,
    *,
    state: str | None = None,
    kind: str | None = None,
    limit: int = 50,
) -> Sequence[InquiryRecord]:
    """The newest inquiries that match everything given, with their words."""
    return await fetch(
        conn, InquiryRecord, _SEARCH, {**_of(about), "state": state, "kind": kind, "limit": limit}
    )
