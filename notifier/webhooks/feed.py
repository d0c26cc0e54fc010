"""The feed: changes of state in the order of the log, page by page."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.change import TOLD, Change, EventKey, Page
from notifier.model.message import public_number
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.model.tracking import DeliveredLevel
from notifier.store import feed
from notifier.store.db import loads
from notifier.store.horizon import Horizon

MOST: Final = 1_000  # changes in a page
#: Positions looked at for one page: whoever asks for something rare gets empty pages in between.
_WINDOW: Final = 10_000

_PROVEN: Final = (State.SENT, State.DELIVERED)
_LEVELS: Final = {
    Reason.TAKEN_BY_NEXT: DeliveredLevel.NEXT_ACCEPTED,
    Reason.REPORTED_DELIVERED: DeliveredLevel.MAILBOX,
}


class UnknownPosition(Exception):
    """A position that was never given: the record is an older one than the reader knows."""


class Feed:
    """Reads the log up to where it is complete."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._horizon = Horizon(engine)

    async def settled(self) -> int:
        """How far the log can be told; 0 while that is not known."""
        return (await self._horizon.read()).settled

    async def end(self) -> int:
        """The position behind which nothing has been told yet. Raises :class:`Unsettled`."""
        return await self._horizon.end()

    async def read(
        self,
        after: int,
        *,
        limit: int = 100,
        source: str | None = None,
        states: Sequence[State] = (),
    ) -> Page:
        """The changes behind ``after``, at most ``limit`` (up to :data:`MOST`).

        ``states``: only changes into these; none: into all that are told. Raises
        :class:`UnknownPosition`.
        """
        reach = await self._horizon.read()
        if after > reach.last:
            raise UnknownPosition
        async with self._engine.connect() as conn:
            return await page(conn, after, reach.settled, limit=limit, source=source, states=states)


async def page(
    conn: AsyncConnection,
    after: int,
    settled: int,
    *,
    limit: int,
    source: str | None,
    states: Sequence[str],
) -> Page:
    """A page of the log up to ``settled``, below which nothing can appear any more."""
    until = min(settled, after + _WINDOW)
    if until <= after:
        return Page((), after, more=False)
    found = await feed.changes(
        conn, after=after, until=until, source=source, states=states or TOLD, limit=limit
    )
    end = found[-1].position if len(found) == limit else until
    return Page(tuple(_change(r) for r in found), end, more=end < settled)


def _change(found: feed.Change) -> Change:
    return Change(
        position=str(found.position),
        message=public_number(found.message_id),
        events=tuple(EventKey(**key) for key in loads(found.events) or ()),
        member_no=found.member_no,
        notice=found.notice,
        step=found.step,
        channel=found.channel,
        generation=found.generation,
        before=found.before,
        after=found.after,
        reason=found.reason,
        evidence=_evidence(found),
        at=found.at,
    )


def _evidence(found: feed.Change) -> DeliveredLevel | None:
    """How much a change proves; what a person has settled proves nothing."""
    if found.channel != Channel.EMAIL or found.after not in _PROVEN:
        return None
    if found.reason == Reason.SETTLED_BY_PERSON:
        return None
    return _LEVELS.get(Reason(found.reason), DeliveredLevel.RELAY_ACCEPTED)
