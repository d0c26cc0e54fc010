"""Figures of a mailing, campaign, batch or notice: what became of it, and who asked about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import rows

#: Which messages belong to it, by what is asked for.
_MESSAGES: Final = {
    "mailing": """SELECT message_id FROM cases c JOIN message_keys USING (case_id)
                  WHERE c.kind = 'mailing' AND c.matter = :mailing""",
    "campaign": "SELECT message_id FROM message_keys WHERE campaign_id = :campaign",
    "batch": """SELECT DISTINCT message_id FROM pieces
                WHERE batch_id = :batch AND taken_out_at IS NULL""",
    "notice": """SELECT message_id FROM messages
                 WHERE notice = :notice AND (CAST(:step AS text) IS NULL OR step = :step)
                   AND member_id IS NOT NULL AND created_at >= :since AND created_at < :until""",
}
#: What an inquiry may name in place of a message.
_DIRECT: Final = {
    "mailing": "i.mailing = :mailing",
    "campaign": "i.campaign_id = :campaign",
    "batch": "i.batch_id = :batch",
    "notice": "false",
}
_STATES: Final = """
SELECT m.channel, m.state, count(*) AS count
FROM messages m WHERE m.message_id IN ({messages}) GROUP BY m.channel, m.state
ORDER BY m.channel, m.state
"""
_INQUIRIES: Final = """
SELECT i.kind, i.topic, i.state, count(*) AS count FROM inquiries i
WHERE {direct} OR i.message_id IN ({messages}) GROUP BY i.kind, i.topic, i.state
ORDER BY i.kind, i.topic, i.state
"""
#: States of what has left the house, or may have.
_LEFT: Final = ("sent", "delivered", "bounced", "uncertain", "handed_over", "posted", "returned")


class Figures(NamedTuple):
    """What became of some messages; the states add up to all of them."""

    states: dict[tuple[str, str], int]  # channel, state → messages
    inquiries: dict[tuple[str, str, str], int]  # kind, topic, state → inquiries

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
    conn: AsyncConnection, notice: str, step: str | None, *, since: datetime, until: datetime
) -> Figures:
    """Of a notice, and one step of it, to members: those made from ``since`` up to ``until``."""
    given = {"notice": notice, "step": step, "since": since, "until": until}
    return await _figures(conn, "notice", given)


async def _figures(conn: AsyncConnection, what: str, given: Mapping[str, object]) -> Figures:
    places = {"messages": _MESSAGES[what], "direct": _DIRECT[what]}
    states = await rows(conn, _STATES.format(**places), given)
    asked = await rows(conn, _INQUIRIES.format(**places), given)
    return Figures(
        {(r["channel"], r["state"]): r["count"] for r in states},
        {(r["kind"], r["topic"], r["state"]): r["count"] for r in asked},
    )
