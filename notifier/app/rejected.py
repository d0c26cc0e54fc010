"""Rejected entries of the intake stream: looked at, taken in or discarded, forgotten in the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.intake.card_numbers import refuse_card_numbers
from notifier.intake.envelope import parse_event
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.store import rejected
from notifier.store.db import loads

from .event_intake import Acceptor, Receipt
from .values import value_of

_SET: Final = 1000  # entries that one sweep forgets


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An entry that could not be accepted."""

    entry_id: int
    origin: str  # the stream
    origin_id: str  # its id there
    payload: bytes  # as received, but for masked card numbers
    masked: bool
    errors: tuple[dict[str, Any], ...]  # field, code, params
    received_at: datetime
    replayed_at: datetime | None
    replayed_by: str | None
    discarded_at: datetime | None
    discarded_by: str | None
    discard_reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An entry that waits to be replayed."""

    entry_id: int
    received_at: datetime
    origin: str
    errors: tuple[dict[str, Any], ...]


async def pending(engine: AsyncEngine, *, limit: int = 200) -> list[Pending]:
    """Return the entries that were neither replayed nor discarded yet, oldest first."""
    async with engine.connect() as conn:
        found = await rejected.pending(conn, limit)
    return [value_of(Pending, r, errors=tuple(loads(r.errors))) for r in found]


async def show(engine: AsyncEngine, entry_id: int) -> Rejected:
    """One entry. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await rejected.get(conn, entry_id)
    if found is None:
        raise NotFound("rejected entry", entry_id)
    errors = tuple(loads(found.errors))
    return value_of(Rejected, found, payload=bytes(found.payload), errors=errors)


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
