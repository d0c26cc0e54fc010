"""Uncertain mails, and their end by what others know of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State, check_move

from .db import dumps, rows
from .messages import Move, move

_FOUND = """
SELECT m.message_id, r.after, r.retry_at
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    token text, after text, number integer, retry_at timestamptz)
JOIN message_keys USING (token) JOIN messages m USING (message_id)
WHERE m.state = 'uncertain' AND m.channel = 'email'
  AND (r.number IS NULL OR r.number = m.attempts)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of a mail, by its token."""

    token: str
    after: State  # sent, delivered, bounced, failed, or queued: it never arrived
    number: int | None = None  # of the attempt it is about; None: of whichever


async def uncertain(conn: AsyncConnection) -> Sequence[RowMapping]:
    """message_id, token and, as updated_at, since when, of every uncertain mail."""
    return await rows(
        conn,
        """SELECT message_id, token, updated_at FROM messages
           WHERE state = 'uncertain' AND channel = 'email' ORDER BY message_id""",
    )


async def settle(
    conn: AsyncConnection,
    findings: Iterable[Finding],
    *,
    reason: Reason,
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Settle uncertain mails by evidence from outside; the message ids that moved.

    One finding for each token. A mail that is no longer uncertain stays as it is, and so does
    one whose latest attempt is not the one that a finding is about: of that one nothing is known
    yet. What is queued again keeps its token and its Message-ID. Raises
    :class:`~notifier.model.states.IllegalMove` on a state that does not follow.
    """
    given = []
    for one in findings:
        check_move(Channel.EMAIL, State.UNCERTAIN, one.after)
        retry_at = now if one.after is State.QUEUED else None
        row = {"token": one.token, "after": one.after, "number": one.number}
        given.append({**row, "retry_at": retry_at})
    if not given:
        return []
    found = await rows(conn, _FOUND, {"rows": dumps(given)})
    asked = [
        Move(
            message_id=r["message_id"],
            after=State(r["after"]),
            reason=reason,
            retry_at=r["retry_at"],
            only_from=(State.UNCERTAIN,),
        )
        for r in found
    ]
    return await move(conn, asked, actor=actor, now=now)
