"""The sweep of this room: undecided events, staff alerts, letters for mails, due reminders."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import system
from notifier.model.notice import Lane
from notifier.store import events

from .alerts import alert
from .door import take
from .fallback import take_over, tell_returned
from .situations import Arrived, House
from .tick import tick

_SWEEP = system("sweep")
_MOST = 1000  # undecided events in one sweep


async def sweep(engine: AsyncEngine, house: House, *, now: datetime) -> set[Lane]:
    """Do what time alone brings; the lanes in which something now waits. Safe to run twice."""
    lanes: set[Lane] = set()
    async with engine.begin() as conn:
        lanes |= await _retry(conn, house, now)
    async with engine.begin() as conn:
        lanes |= await alert(conn, house, actor=_SWEEP, now=now)
    for step in (take_over, tick):
        looked = 1
        while looked:
            async with engine.begin() as conn:
                looked, found = await step(conn, house, actor=_SWEEP, now=now)
            lanes |= found
    async with engine.begin() as conn:
        await tell_returned(conn, actor=_SWEEP, now=now)
    return lanes


async def _retry(conn: AsyncConnection, house: House, now: datetime) -> set[Lane]:
    await events.skip_superseded(conn, now=now)
    waiting = await events.undecided(conn, _MOST)
    arrived = [Arrived(place=n, event_id=i, event=e) for n, (i, e) in enumerate(waiting)]
    followed = await take(conn, arrived, house, actor=_SWEEP, now=now)
    return followed.lanes
