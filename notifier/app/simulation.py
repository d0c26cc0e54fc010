"""A simulation: events applied for real at times of its own, and the clock with them.

Whatever goes out on the way goes nowhere: it counts as handed over at its moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.actor import system
from notifier.model.event import Event
from notifier.model.notice import Lane, Notice
from notifier.model.plan import OFFICE_HOURS, Hours
from notifier.model.press import Press
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.rules.calendar import japan_date
from notifier.rules.plan import opening
from notifier.store import calendar_view, claims, messages
from notifier.store.messages import Move

from .event_intake import Acceptor
from .sweep import sweep

Arrival = tuple[datetime, Event]  # when an event reaches us, aware, and what it says

_ACTOR: Final = system("rehearsal")
_DAY: Final = timedelta(days=1)
_SET: Final = 500


class Simulation:
    """An engine whose clock is turned. Its database is its own: what is played stays in it."""

    def __init__(
        self,
        engine: AsyncEngine,
        notices: Mapping[str, Notice],
        hours: Hours | None = OFFICE_HOURS,
        press: Press | None = None,
    ) -> None:
        self._engine = engine
        self._acceptor = Acceptor(engine, notices, self, self, hours, press)
        self.time: datetime

    def now(self) -> datetime:
        """Where the clock stands."""
        return self.time

    async def notify_workers(self, lanes: set[Lane]) -> None:
        """Nobody needs to be woken."""

    async def play(self, arrivals: Iterable[Arrival], first: date, last: date) -> None:
        """Take each event at its moment, and look at the clock then and at each day's opening.

        Raises :class:`~notifier.model.errors.BadInput` on an event that does not fit the record.
        """
        waiting = sorted(arrivals, key=lambda a: a[0])
        async with self._engine.connect() as conn:
            context = await self._acceptor.house(conn)
        day = first
        while day <= last:
            today = [a for a in waiting if japan_date(a[0]) == day]
            moments = {opening(day, context.calendar("")), *(at for at, _ in today)}
            told = {at: [e for _, e in some] for at, some in groupby(today, lambda a: a[0])}
            for moment in sorted(moments):
                await self.at(moment, told.get(moment, ()))
            day += _DAY

    async def at(self, moment: datetime, events: Sequence[Event] = ()) -> None:
        """Turn the clock to a moment: events arrive, the clock ticks, what is due goes out."""
        self.time = moment
        for start in range(0, len(events), _SET):
            await self._acceptor.accept(events[start : start + _SET], _ACTOR)
        async with self._engine.connect() as conn:
            context = await self._acceptor.house(conn)
        await sweep(self._engine, context, now=moment)
        await self._hand_over()

    async def _hand_over(self) -> None:
        async with self._engine.begin() as conn:
            while await claims.expire(conn, actor=_ACTOR, now=self.time):
                pass
            ready = await calendar_view.ready(conn, self.time)
            for channel in Channel:
                ids = [r.message_id for r in ready if r.channel == channel]
                for state in channel.rules.way:
                    moves = [Move(message_id=i, after=state, reason=Reason.ACCEPTED) for i in ids]
                    await messages.move(conn, moves, actor=_ACTOR, now=self.time)
