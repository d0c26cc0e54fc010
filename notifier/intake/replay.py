"""Replaying rejected entries once what was in their way is gone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.store import rejected

from .accept import Acceptor, Receipt
from .envelope import parse_event


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
    async with engine.connect() as conn:
        entry = await rejected.get(conn, entry_id)
    if entry is None:
        raise NotFound("rejected entry", entry_id)
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
    event = parse_event(bytes(entry.payload), now)
    if event.source != source:
        raise BadInput([FieldError("source", "wrong_source", {"value": event.source})])
    [receipt] = await acceptor.accept([event], actor)
    async with engine.begin() as conn:
        await rejected.replayed(conn, entry_id, actor=actor, now=now)
    return receipt
