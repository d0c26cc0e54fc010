"""Undecided events: which there are, and trying them again, in time or at a person's word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotFound
from notifier.model.notice import Lane
from notifier.store import events, log, undecided
from notifier.store.db import in_transaction

from .apply_events import Broken, apply_events, leave_undecided
from .event_intake import Acceptor
from .rule_context import RuleContext
from .situations import IncomingEvent

_MOST = 1000  # at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """An event that could not be decided so far."""

    event_id: int
    type: str
    source: str
    id: str
    received_at: datetime
    attempts: int
    problem: str  # the name of an error
    next_try_at: datetime | None  # None: given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What trying again has come to."""

    decided: int
    still: tuple[Undecided, ...]
    lanes: frozenset[Lane]  # in which something now waits


async def waiting(engine: AsyncEngine, limit: int = _MOST) -> list[Undecided]:
    """Events that could not be decided, oldest first."""
    async with engine.connect() as conn:
        return await _listed(conn, limit)


async def retry(
    engine: AsyncEngine,
    acceptor: Acceptor,
    event_ids: Sequence[int] | None,
    *,
    actor: Actor,
    now: datetime,
) -> Retried:
    """Try events again at once, with all their attempts anew; None: all, at most 1000.

    Raises :class:`NotFound` for an event that is not undecided.
    """

    async def work(conn: AsyncConnection) -> Retried:
        known = {one.event_id for one in await _listed(conn, None)}
        ids = sorted(known)[:_MOST] if event_ids is None else list(dict.fromkeys(event_ids))
        if unknown := [i for i in ids if i not in known]:
            raise NotFound("undecided event", unknown[0])
        await undecided.start_again(conn, ids)
        entries = [{"event_id": i, "reason": "tried_again"} for i in ids]
        await log.append(conn, "event", entries, actor=actor, now=now)
        house = await acceptor.house(conn)
        lanes = await decide_again(conn, house, actor=actor, now=now, only=ids)
        still = tuple(one for one in await _listed(conn, None) if one.event_id in set(ids))
        return Retried(decided=len(ids) - len(still), still=still, lanes=frozenset(lanes))

    return await in_transaction(engine, work)


async def decide_again(
    conn: AsyncConnection,
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
    only: Sequence[int] | None = None,
) -> set[Lane]:
    """Decide undecided events whose time has come, or ``only`` these, at once.

    One that breaks again is put off; so is one that does not fit the record any more.
    """
    await events.skip_superseded(conn, now=now)
    waiting, unreadable = await undecided.due(conn, _MOST, now=now, only=only)
    incoming = [IncomingEvent(place=n, event_id=i, event=e) for n, (i, e) in enumerate(waiting)]
    effects = await apply_events(conn, incoming, context, actor=actor, now=now)
    broken = [Broken(*one) for one in unreadable]
    for place, error in {e.index or 0: e for e in effects.errors}.items():
        event_id, event = waiting[place]
        broken.append(Broken(event_id, event.type, error.code))
    for one in broken:
        await leave_undecided(conn, one, actor=actor, now=now)
    return effects.lanes


async def _listed(conn: AsyncConnection, limit: int | None) -> list[Undecided]:
    names = ("event_id", "type", "source", "id", "received_at", "attempts", "problem")
    return [
        Undecided(**{name: getattr(r, name) for name in (*names, "next_try_at")})
        for r in await undecided.listed(conn, limit)
    ]
