"""Decisions: what was decided about events, in the order in which it was stored."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.message import public_number
from notifier.model.outcome import DecisionPage, ToldDecision
from notifier.store import outcomes
from notifier.store.horizon import Horizon
from notifier.webhooks.feed import MOST, UnknownPosition

OUTCOMES: Final = ("send", "hold", "skip")
#: Positions looked at for one page: whoever asks for something rare gets empty pages in between.
_WINDOW: Final = 10 * MOST


class DecisionFeed:
    """Reads decisions up to where no earlier one can appear any more."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._horizon = Horizon(engine, outcomes.SEQUENCE)

    async def end(self) -> int:
        """The position behind which nothing has been told yet. Raises ``Unsettled``."""
        return await self._horizon.end()

    async def read(
        self, after: int, *, source: str, limit: int = 100, only: Sequence[str] = ()
    ) -> DecisionPage:
        """The decisions about events of a source behind ``after``, at most ``limit``.

        ``only``: of these outcomes; none: of all. Raises :class:`UnknownPosition`.
        """
        reach = await self._horizon.read()
        if after > reach.last:
            raise UnknownPosition
        until = min(reach.settled, after + _WINDOW)
        if until <= after:
            return DecisionPage((), after, more=False)
        async with self._engine.connect() as conn:
            found = await outcomes.told(
                conn,
                after=after,
                until=until,
                source=source,
                outcomes=only or OUTCOMES,
                limit=limit,
            )
        end = found[-1].position if len(found) == limit else until
        return DecisionPage(tuple(map(_told, found)), end, more=end < reach.settled)


def _told(found: outcomes.ToldDecision) -> ToldDecision:
    message_id = found.message_id
    return ToldDecision(
        position=str(found.position),
        source=found.source,
        id=found.id,
        type=found.type,
        member_no=found.member_no,
        outcome=found.outcome,
        reason=found.reason,
        notice=found.notice or None,
        message=None if message_id is None else public_number(message_id),
        at=found.at,
    )
