"""Uncertain mails, and what others know to have become of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State, check_move

from .db import Columns, rows
from .messages import Move, move

_UNCERTAIN: Final = """
SELECT message_id, token, updated_at AS since FROM messages
WHERE state = 'uncertain' AND channel = 'email' ORDER BY message_id
"""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A mail of which nobody knows whether the relay has it."""

    message_id: int
    token: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What became of a mail, by its token."""

    token: str
    after: State  # sent, delivered, bounced, failed, or queued: it never arrived
    number: int | None = None  # of the attempt it is about; None: of whichever


_RESOLUTIONS: Final = Columns(Resolution)

_RESOLVE: Final = f"""
SELECT m.message_id, given.after FROM {_RESOLUTIONS.source}
JOIN message_keys USING (token) JOIN messages m USING (message_id)
WHERE m.state = 'uncertain' AND m.channel = 'email'
  AND (given.number IS NULL OR given.number = m.attempts)
"""


async def uncertain(conn: AsyncConnection) -> list[Uncertain]:
    """All uncertain mails, by number."""
    return [Uncertain(**r) for r in await rows(conn, _UNCERTAIN)]


async def resolve_uncertain(
    conn: AsyncConnection,
    resolutions: Iterable[Resolution],
    *,
    reason: Reason,
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Move uncertain mails by evidence from outside; the message ids that moved.

    One resolution for each token. A mail that is no longer uncertain stays as it is, and so does
    one whose latest attempt is not the one that its resolution is about: of that one nothing is
    known yet. What is queued again keeps its token and its Message-ID. Raises
    :class:`~notifier.model.states.IllegalMove` on a state that does not follow.
    """
    given = list(resolutions)
    for after in {resolution.after for resolution in given}:
        check_move(Channel.EMAIL, State.UNCERTAIN, after)
    asked = [
        _move(r["message_id"], State(r["after"]), reason, now)
        for r in await rows(conn, _RESOLVE, _RESOLUTIONS.params(given))
    ]
    return await move(conn, asked, actor=actor, now=now)


def _move(message_id: int, after: State, reason: Reason, now: datetime) -> Move:
    return Move(
        message_id=message_id,
        after=after,
        reason=reason,
        retry_at=now if after is State.QUEUED else None,
        only_from=(State.UNCERTAIN,),
    )
