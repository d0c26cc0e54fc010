"""What time brings: returns that waited, refusals, what slipped past a suppression."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import system
from notifier.model.relay import Relay, RelayKind
from notifier.model.returns import Return
from notifier.model.tracking import Reading, ReturnKind
from notifier.store import messages, refusals, returns, suppressions
from notifier.store.isolation import Isolation
from notifier.store.put_off import Sweep

from .effect import apply, take_effect
from .refusals import refused

ACTOR: Final = system("track")
_MOST: Final = 500  # in one transaction
_BACK: Final = timedelta(days=7)  # how far refusals are looked for
#: A message may be made while its address is being suppressed, and neither sees the other.
_OVERLAP: Final = timedelta(minutes=10)


def direct_labels(relays: Sequence[Relay]) -> tuple[str, ...]:
    """Names, in the record, of the relays whose answers are the destination's."""
    return tuple(relay.label for relay in relays if relay.kind is RelayKind.DIRECT)


async def sweep(engine: AsyncEngine, *, direct: Sequence[str], now: datetime) -> None:
    """Do what time alone brings. Safe to run twice, and in several processes."""
    async with engine.begin() as conn:
        await _look_again(conn, direct, now)
    async with engine.begin() as conn:
        late = await suppressions.to_stop(conn, now=now, set_after=now - _OVERLAP)
        await messages.move(conn, suppressions.stops(late), actor=ACTOR, now=now)
    if direct:
        async with engine.begin() as conn:
            await _refusals(conn, direct, now)
            proven = await refusals.disproved(conn, direct, now=now)
            await suppressions.clear(conn, proven, note="accepted", actor=ACTOR, now=now)


async def _look_again(conn: AsyncConnection, direct: Sequence[str], now: datetime) -> None:
    """Returns that came while their message was being sent."""

    async def work(waiting: Sequence[returns.KeptReturn]) -> None:
        given = {r.return_id: returns.restored(r) for r in waiting}
        await take_effect(conn, given, actor=ACTOR, now=now, direct=direct)

    found = await returns.take_waiting(conn, now=now, limit=_MOST)
    isolation = Isolation(sweep=Sweep.RETURN, actor=ACTOR, now=now)
    await isolation.each(conn, found, work, ids=lambda r: [r.return_id])


async def _refusals(conn: AsyncConnection, direct: Sequence[str], now: datetime) -> None:
    """What direct relays refused for good says as much as a bounce of it would."""

    async def work(refused: Sequence[refusals.Refusal]) -> None:
        await apply(conn, [_told(r) for r in refused], actor=ACTOR, now=now, direct=direct)

    found = await refusals.untold(conn, direct, since=now - _BACK, now=now, limit=_MOST)
    isolation = Isolation(sweep=Sweep.REFUSAL, actor=ACTOR, now=now)
    await isolation.each(conn, found, work, ids=lambda r: [r.attempt_id])


def _told(found: refusals.Refusal) -> Return:
    reply = found.reply or ""
    finding = refused(
        None,
        reply,
        code=found.code,
        status=found.enhanced,
        command=found.command or "",
        host=found.relay,
    )
    reading = Reading(
        kind=ReturnKind.BOUNCED,
        findings=(finding,),
        tokens=(found.token,),
        reported_by=found.relay,
    )
    return Return(
        source=refusals.SOURCE,
        external_id=str(found.attempt_id),
        raw=f"attempt {found.attempt_id}: {found.command} {found.code} {reply}".encode(
            "utf-8", "replace"
        ),
        reading=reading,
        at=found.finished_at,
    )
