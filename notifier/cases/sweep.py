"""The sweep of this room: undecided events, staff alerts, letters for mails, due reminders."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor, system
from notifier.model.notice import Lane
from notifier.store import events, undecided

from .alerts import alert
from .door import take
from .fallback import take_over, tell_returned
from .situations import Arrived, House
from .tick import tick
from .undecided import Broken, leave_undecided

_SWEEP = system("sweep")
_MOST = 1000  # undecided events in one sweep


async def sweep(engine: AsyncEngine, house: House, *, now: datetime) -> set[Lane]:
    """Do what time alone brings; the lanes in which something now waits. Safe to run twice.

    A step that fails keeps none of the others waiting; its error is raised in the end.
    """
    lanes: set[Lane] = set()
    failed: list[Exception] = []
    for step in (_retry, _alert, take_over, tick, _tell_returned):
        looked = 1
        try:
            while looked:
                async with engine.begin() as conn:
                    looked, found = await step(conn, house, actor=_SWEEP, now=now)
                lanes |= found
        except Exception as problem:  # noqa: BLE001 (it is raised)
            failed.append(problem)
    if failed:
        raise failed[0]
    return lanes


_Looked = tuple[int, set[Lane]]  # how many to look for once more; lanes in which something waits


async def _retry(conn: AsyncConnection, house: House, *, actor: Actor, now: datetime) -> _Looked:
    return 0, await retry(conn, house, actor=actor, now=now)


async def _alert(conn: AsyncConnection, house: House, *, actor: Actor, now: datetime) -> _Looked:
    return 0, await alert(conn, house, actor=actor, now=now)


async def _tell_returned(
    conn: AsyncConnection, _: House, *, actor: Actor, now: datetime
) -> _Looked:
    await tell_returned(conn, actor=actor, now=now)
    return 0, set()


async def retry(
    conn: AsyncConnection,
    house: House,
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
    arrived = [Arrived(place=n, event_id=i, event=e) for n, (i, e) in enumerate(waiting)]
    followed = await take(conn, arrived, house, actor=actor, now=now)
    broken = [Broken(*one) for one in unreadable]
    for place, error in {e.index or 0: e for e in followed.errors}.items():
        event_id, event = waiting[place]
        broken.append(Broken(event_id, event.type, error.code))
    for one in broken:
        await leave_undecided(conn, one, actor=actor, now=now)
    return followed.lanes
