"""Replaying rejected entries once what was in their way is gone."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.store import rejected

from .accept import Acceptor, Receipt
from .envelope import parse_event


async def replay(
    engine: AsyncEngine, acceptor: Acceptor, entry_id: int, *, actor: Actor, now: datetime
) -> Receipt:
    """Take a rejected entry in after all; raises what accepting it raises."""
    async with engine.connect() as conn:
        entry = await rejected.get(conn, entry_id)
    if entry is None:
        raise NotFound("rejected entry", entry_id)
    if entry["replayed_at"] is not None:
        raise NotAllowed(f"rejected entry {entry_id} was replayed already")
    # Accepting twice is harmless; a crash between the two transactions leaves it pending.
    [receipt] = await acceptor.accept([parse_event(bytes(entry["payload"]))], actor)
    async with engine.begin() as conn:
        await rejected.replayed(conn, entry_id, actor=actor, now=now)
    return receipt
