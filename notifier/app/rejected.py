"""Rejected entries of the intake stream: looked at, taken in or discarded, forgotten in the end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.intake.card_numbers import refuse_card_numbers
from notifier.intake.envelope import parse_event
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.unfinished import PendingEntry, RejectedEntry
from notifier.store import rejected

from .event_intake import Acceptor, Receipt

_SET: Final = 1000  # entries that one sweep forgets


async def pending(engine: AsyncEngine, *, limit: int = 200) -> list[PendingEntry]:
    """Return the entries that were neither replayed nor discarded yet, oldest first."""
    async with engine.connect() as conn:
        return await rejected.pending(conn, limit)


async def show(engine: AsyncEngine, entry_id: int) -> RejectedEntry:
    """One entry. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await rejected.get(conn, entry_id)
    if found is None:
        raise NotFound("rejected entry", entry_id)
    return found


async def replay(
    engine: AsyncEngine,
    acceptor: Acceptor,
    entry_id: int,
    *,
    source: str | None,
    actor: Actor,
    now: datetime,
) -> Receipt:
    """Take a rejected entry in after all; raises what accepting it raises.

    ``source`` is the only one whose events the stream may carry, for a person's replay too.
    """
    entry = await show(engine, entry_id)
    if entry.replayed_at is not None:
        text = f"rejected entry {entry_id} was replayed already"
        raise NotAllowed(text, code="replayed", entry=entry_id)
    if entry.discarded_at is not None:
        text = f"rejected entry {entry_id} was discarded"
        raise NotAllowed(text, code="discarded", entry=entry_id)
    if entry.masked:
        text = f"rejected entry {entry_id} held a card number, which was not kept"
        raise NotAllowed(text, code="not_kept", entry=entry_id)
    # Accepting twice is harmless; a crash between the two transactions leaves it pending.
    event = parse_event(entry.payload, now)
    if event.source != source:
        raise BadInput([FieldError("source", "wrong_source", {"value": event.source})])
    [receipt] = await acceptor.accept([event], actor)
    async with engine.begin() as conn:
        await rejected.replayed(conn, entry_id, actor=actor, now=now)
    return receipt


async def discard(
    engine: AsyncEngine, entry_ids: Sequence[int], reason: str, *, actor: Actor, now: datetime
) -> None:
    """Say of entries that they will never go in, and why: all of them or none.

    Raises :class:`BadInput`, :class:`NotFound` or :class:`NotAllowed` (settled already).
    """
    if code := text_problem(reason.strip()):
        raise BadInput([FieldError("reason", code, {"limit": MAX_TEXT})])
    refuse_card_numbers("reason", reason)
    async with engine.begin() as conn:
        for entry_id in dict.fromkeys(entry_ids):
            if await rejected.discard(conn, entry_id, reason.strip(), actor=actor, now=now):
                continue
            if await rejected.get(conn, entry_id) is None:
                raise NotFound("rejected entry", entry_id)
            text = f"rejected entry {entry_id} was replayed or discarded already"
            raise NotAllowed(text, code="entry_settled", entry=entry_id)


async def tidy(engine: AsyncEngine, *, keep: timedelta, now: datetime) -> int:
    """Forget entries that were replayed or discarded longer ago than ``keep``; how many."""
    async with engine.begin() as conn:
        return await rejected.forget(conn, now - keep, _SET)
