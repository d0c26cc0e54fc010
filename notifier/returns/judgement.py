"""A return that only a person could judge: what they say it is about, and what it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.returns import Outcome, Return, ReturnReason, Standing
from notifier.model.suppression import HARD
from notifier.model.tracking import BounceReason, Finding, Reading, ReturnKind
from notifier.store import returns, tracking

from .effect import take_effect

_OPEN: Final = (Standing.PERSON, Standing.IGNORED)
_WITH_REASON: Final = (ReturnKind.BOUNCED, ReturnKind.DELAYED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a person says of a return. What is left out stays as it was read."""

    message_id: int | None = None
    kind: ReturnKind | None = None
    reason: BounceReason | None = None  # of bounced and delayed


async def put_aside(
    conn: AsyncConnection, return_id: int, *, actor: Actor, now: datetime
) -> Outcome:
    """It is about nothing of ours. Raises NotFound, and NotAllowed if it has taken effect."""
    one, about = await _open(conn, return_id)
    outcome = Outcome(
        return_id=return_id,
        standing=Standing.IGNORED,
        kind=one.reading.kind,
        reason=ReturnReason.BY_PERSON,
        message_id=about,
    )
    await returns.settle(conn, [outcome], actor=actor, now=now)
    return outcome


async def take_as_said(
    conn: AsyncConnection,
    return_id: int,
    said: Judgement,
    *,
    actor: Actor,
    now: datetime,
    direct: Sequence[str] = (),
) -> Outcome:
    """Let a return take effect as a person says.

    Raises NotFound, and NotAllowed where it has taken effect already, or where it would say
    nothing of a mail that has left.
    """
    one, about = await _open(conn, return_id)
    message_id = said.message_id or about
    if message_id is None:
        raise NotAllowed("message: say which message it is about", code="say_message")
    known = await tracking.by_number(conn, message_id)
    if known is None:
        raise NotFound("mail", public_number(message_id))
    if known.sent_at is None:
        number = public_number(message_id)
        raise NotAllowed(f"{number} has not left the house", code="not_left", message=number)
    read = _as_said(one, said)
    if read.reading.kind is ReturnKind.UNKNOWN:
        raise NotAllowed("kind: say what it is", code="say_kind")
    given, certain = {return_id: read}, {return_id: known}
    done = await take_effect(conn, given, actor=actor, now=now, direct=direct, about=certain)
    return done[return_id]


async def _open(conn: AsyncConnection, return_id: int) -> tuple[Return, int | None]:
    found = await returns.get(conn, return_id, lock=True)
    if found is None:
        raise NotFound("return", return_id)
    if found.standing not in _OPEN:
        standing = Standing(found.standing)
        text = f"return {return_id} is {standing}"
        raise NotAllowed(text, code="return_standing", number=return_id, standing=standing)
    return returns.restored(found), found.message_id


def _as_said(one: Return, said: Judgement) -> Return:
    """The return with what a person has read in it."""
    if said.kind is None and said.reason is None:
        return one
    kind = said.kind or one.reading.kind
    if said.reason and kind not in _WITH_REASON:
        raise NotAllowed(f"reason: {kind} has none", code="no_reason", kind=kind)
    reason = said.reason if said.reason or kind not in _WITH_REASON else BounceReason.UNDEFINED
    reply = one.reading.findings[0].reply if one.reading.findings else ""
    finding = Finding(
        recipient=None,
        kind=kind,
        reason=reason,
        hard=reason in HARD if reason else None,
        reply=reply,
    )
    return replace(one, reading=Reading(kind=kind, findings=(finding,)))
