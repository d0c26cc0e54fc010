"""Figures of a mailing, campaign, batch or notice: what became of it, and who asked about it."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import rows, scalar

_BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)

_END: Final = datetime(9999, 1, 1, tzinfo=UTC)

#: States of what has left the house, or may have.
_LEFT: Final = ("sent", "delivered", "bounced", "uncertain", "handed_over", "posted", "returned")

#: When message ``m`` left, or may have, for the first time. Of letters the press tells the day.
_LEFT_AT: Final = """coalesce(
    (SELECT CAST(max(p.posted_on) AS timestamp) AT TIME ZONE 'Asia/Tokyo' FROM pieces p
     WHERE p.message_id = m.message_id AND p.taken_out_at IS NULL),
    (SELECT min(l.at) FROM log l WHERE l.message_id = m.message_id AND l.kind = 'move'
       AND l.after = ANY(CAST(:left AS text[]))))"""

_OF_NOTICE: Final = """SELECT m.message_id FROM messages m
    WHERE m.notice = :notice AND (CAST(:step AS text) IS NULL OR m.step = :step)
      AND m.staff_id IS NULL"""

#: Which messages belong to it, by what is asked for.
_MESSAGES: Final = {
    "mailing": """SELECT message_id FROM cases c JOIN message_keys USING (case_id)
                  WHERE c.kind = 'mailing' AND c.matter = :mailing""",
    "campaign": "SELECT message_id FROM message_keys WHERE campaign_id = :campaign",
    "batch": """SELECT DISTINCT message_id FROM pieces
                WHERE batch_id = :batch AND taken_out_at IS NULL""",
    "notice": _OF_NOTICE,
    "created": f"""{_OF_NOTICE} AND m.created_at >= :since AND m.created_at < :until""",
    "sent": f"""{_OF_NOTICE} AND m.state = ANY(CAST(:left AS text[]))
        AND {_LEFT_AT} >= :since AND {_LEFT_AT} < :until""",
}

#: What an inquiry may name in place of a message.
_DIRECT: Final = {
    "mailing": "i.mailing = :mailing",
    "campaign": "i.campaign_id = :campaign",
    "batch": "i.batch_id = :batch",
}

_STATES: Final = """
SELECT m.channel, m.state, count(*) AS count
FROM messages m WHERE m.message_id IN ({messages}) GROUP BY m.channel, m.state
ORDER BY m.channel, m.state
"""

# An inquiry that names a mailing alone belongs to the notice of that mailing; one that names a
# member alone to the last message that had left for the member by then, if that was of late.
_INQUIRIES: Final = """
WITH wanted AS MATERIALIZED ({messages}), found AS (
    SELECT i.kind, i.topic, i.state,
        num_nonnulls(i.message_id, i.mailing, i.campaign_id, i.batch_id) = 0 AS by_member
    FROM inquiries i
    WHERE {direct} OR i.message_id IN (SELECT message_id FROM wanted)
       OR (i.message_id IS NULL AND EXISTS (
           SELECT FROM cases c JOIN message_keys k USING (case_id)
           WHERE c.kind = 'mailing' AND c.matter = i.mailing
             AND k.message_id IN (SELECT message_id FROM wanted)))
       OR (i.member_id IS NOT NULL
           AND num_nonnulls(i.message_id, i.mailing, i.campaign_id, i.batch_id) = 0
           AND (SELECT m.message_id FROM message_keys k JOIN messages m USING (message_id)
                CROSS JOIN LATERAL (SELECT {left_at} AS at OFFSET 0) gone
                WHERE k.member_id = i.member_id AND m.state = ANY(CAST(:left AS text[]))
                  AND gone.at <= i.received_at AND gone.at > i.received_at - interval '30 days'
                ORDER BY gone.at DESC, m.message_id DESC LIMIT 1)
               IN (SELECT message_id FROM wanted))
)
SELECT kind, topic, state, by_member, count(*) AS count FROM found
GROUP BY kind, topic, state, by_member ORDER BY kind, topic, state, by_member
"""

_SPAN: Final = f"""
SELECT count(*) AS messages, min(at) AS first, max(at) AS last
FROM (SELECT CASE WHEN m.state = ANY(CAST(:left AS text[])) THEN {_LEFT_AT} END AS at
      FROM messages m WHERE m.message_id IN ({_OF_NOTICE})) found
"""

_KNOWN: Final = {
    "mailing": "SELECT FROM cases WHERE kind = 'mailing' AND matter = :mailing",
    "campaign": "SELECT FROM message_keys WHERE campaign_id = :campaign",
    "batch": "SELECT FROM batches WHERE batch_id = :batch",
}


class By(StrEnum):
    """What puts a message into a period."""

    SENT = "sent"  # that it left then, or may have
    CREATED = "created"


class Figures(NamedTuple):
    """What became of some messages; the states add up to all of them."""

    states: dict[tuple[str, str], int]  # channel, state → messages
    inquiries: dict[tuple[str, str, str], int]  # kind, topic, state → inquiries
    by_member: int = 0  # of these, without thanks: those that name a member alone

    @property
    def messages(self) -> int:
        """All of them."""
        return sum(self.states.values())

    @property
    def left(self) -> int:
        """How many have left the house, or may have."""
        return sum(n for (_, state), n in self.states.items() if state in _LEFT)

    def of_state(self, state: str) -> int:
        """How many are in a state, on whatever channel."""
        return sum(n for (_, other), n in self.states.items() if other == state)

    @property
    def undelivered(self) -> int:
        """How many came back: bounced mails and returned letters."""
        return self.of_state("bounced") + self.of_state("returned")

    def of_kind(self, kind: str) -> int:
        """How many inquiries of a kind."""
        return sum(n for (other, _, _), n in self.inquiries.items() if other == kind)

    @property
    def open_inquiries(self) -> int:
        """How many have no answer yet."""
        return sum(n for (_, _, state), n in self.inquiries.items() if state == "open")


class Span(NamedTuple):
    """All that is on record of a notice."""

    messages: int
    first: datetime | None  # when the first one left; None: none has
    last: datetime | None


async def of_mailing(conn: AsyncConnection, name: str) -> Figures:
    """Of a mailing to a cohort, by its name."""
    return await _figures(conn, "mailing", {"mailing": name})


async def of_campaign(conn: AsyncConnection, campaign_id: int) -> Figures:
    """Of a campaign."""
    return await _figures(conn, "campaign", {"campaign": campaign_id})


async def of_batch(conn: AsyncConnection, batch_id: int) -> Figures:
    """Of the letters in a batch."""
    return await _figures(conn, "batch", {"batch": batch_id})


async def of_notice(
    conn: AsyncConnection,
    notice: str,
    step: str | None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    by: By = By.SENT,
) -> Figures:
    """Of a notice, and one step of it: those that were sent, or made, from ``since`` up to
    ``until``; without either all of them, also what has not left yet."""
    given: dict[str, object] = {"notice": notice, "step": step}
    if since is None and until is None:
        return await _figures(conn, "notice", given)
    period = {"since": since or _BEGINNING, "until": until or _END}
    return await _figures(conn, by, given | period)


async def known(conn: AsyncConnection, what: str, key: object) -> bool:
    """Whether a ``mailing``, ``campaign`` or ``batch`` is on record."""
    return bool(await scalar(conn, f"SELECT EXISTS ({_KNOWN[what]})", {what: key}))


async def span(conn: AsyncConnection, notice: str, step: str | None) -> Span:
    """How many messages of a notice there are, and from when to when they left."""
    found = await rows(conn, _SPAN, {"notice": notice, "step": step, "left": list(_LEFT)})
    return Span(found[0]["messages"], found[0]["first"], found[0]["last"])


async def _figures(conn: AsyncConnection, what: str, given: Mapping[str, object]) -> Figures:
    places = {
        "messages": _MESSAGES[what],
        "direct": _DIRECT.get(what, "false"),
        "left_at": _LEFT_AT,
    }
    params = {**given, "left": list(_LEFT)}
    states = await rows(conn, _STATES.format(**places), params)
    asked = await rows(conn, _INQUIRIES.format(**places), params)
    counts: Counter[tuple[str, str, str]] = Counter()
    for r in asked:
        counts[r["kind"], r["topic"], r["state"]] += r["count"]
    return Figures(
        {(r["channel"], r["state"]): r["count"] for r in states},
        dict(counts),
        sum(r["count"] for r in asked if r["by_member"] and r["kind"] != "thanks"),
    )
