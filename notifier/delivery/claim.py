"""Claiming: messages of a lane are taken and written ahead of the connections."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.rules.calendar import japan_date
from notifier.store import claims
from notifier.store.claims import Claim
from notifier.store.compose import WantedMessage
from notifier.store.direct import Direct
from notifier.store.failures import passes, patiently

from .compose import Lost, Unsendable
from .outcomes import hold
from .render import Ready, Renderer
from .session import ACTOR, WorkerSession

log = get_logger(__name__)

_AT_ONCE: Final = 4  # mails written in one go
_REST: Final = 1.0  # seconds before what failed is tried again


class Claimer:
    """Takes messages for a worker, and gives back what was not begun."""

    def __init__(
        self,
        lane: Lane,
        *,
        engine: AsyncEngine,
        worker: WorkerSession,
        renderer: Renderer,
        now: Callable[[], datetime],
        stopping: Callable[[], bool],
    ) -> None:
        self._lane = lane
        self._engine = engine
        # How many are claimed decides how they are best found.
        self._direct = Direct(engine, most=1, planned_once=False)
        self._worker = worker
        self._renderer = renderer
        self._now = now
        self._stopping = stopping
        self._astray = False  # whether a claim was not answered
        self._found: deque[WantedMessage] = deque()  # claimed and not written yet
        self._more = asyncio.Event()  # there is something to write

    @property
    def unwritten(self) -> int:
        """How many are claimed and not written yet."""
        return len(self._found)

    async def take(self, most: int) -> int:
        """Claim up to ``most``; how many were claimed."""
        found = await self._claim(most, self._now())
        self._found += found
        if found:
            self._more.set()
        return len(found)

    async def write(self, ready: Callable[[Ready], None]) -> None:
        """Pass each to ``ready`` once it is written, until it is time to stop.

        What cannot be written is held, with a task for a person.
        """
        while not self._stopping():
            self._more.clear()
            if not await self._open():
                continue
            lost = self._write_some(ready)
            if lost:
                await self._hold_lost(lost)
            elif self._found:
                await asyncio.sleep(0)  # let replies in between
            else:
                await self._more.wait()

    async def _open(self) -> bool:
        """Have the templates of those that come next at hand; False if that failed."""
        head = [*islice(self._found, _AT_ONCE)]
        try:
            await self._opened(head)
        except Exception as error:
            log.warning("templates not read", exc_info=not passes(error))
            if not passes(error):
                await self._hold_unopened(head)
            await asyncio.sleep(_REST)
            return False
        return True

    async def _opened(self, head: Sequence[WantedMessage]) -> None:
        await patiently(lambda: self._renderer.open(head), what="templates", until=self._stopping)

    async def _hold_unopened(self, head: Sequence[WantedMessage]) -> None:
        """Hold those whose templates will not open now or later: others wait behind them."""
        for row in head:
            try:
                await self._opened([row])
            except Exception as error:  # noqa: BLE001 (it is held, and named)
                if passes(error):
                    return
                self._found.remove(row)
                why = Unsendable(Reason.RENDER_FAILED, type(error).__name__)
                await self._hold_lost([Lost(row.message_id, row.notice, why)])

    def stop(self) -> None:
        """It is time to stop."""
        self._more.set()

    def _write_some(self, ready: Callable[[Ready], None]) -> list[Lost]:
        now = self._now()
        lost: list[Lost] = []
        for _ in range(min(_AT_ONCE, len(self._found))):
            row = self._found.popleft()
            try:
                ready(self._write(row, now))
            except Unsendable as error:
                lost.append(Lost(row.message_id, row.notice, error))
        return lost

    def take_unwritten(self) -> list[Claim]:
        """What was claimed and will not be written."""
        claimed = [Claim(row.message_id, row.fence) for row in self._found]
        self._found.clear()
        return claimed

    async def _claim(self, most: int, now: datetime) -> Sequence[WantedMessage]:
        worker = self._worker
        if self._astray:
            await self._give_back_astray(now)
        self._astray = True
        found = await claims.claim(
            self._direct,
            self._lane,
            worker_id=worker.worker_id,
            limit=most,
            lease=worker.lease,
            actor=ACTOR,
            now=now,
            today=japan_date(now),
        )
        # A claim does not wait for the disk. What a crash of the database took back may be claimed
        # again while the first claim is still in hand: that one goes on, and no second beside it.
        held = frozenset(worker.held)
        fresh = [row for row in found if row.message_id not in held]
        worker.hold(row.message_id for row in fresh)
        self._astray = len(fresh) < len(found)
        return fresh

    async def _give_back_astray(self, now: datetime) -> None:
        """Queue again what a claim may have taken whose answer never came."""
        await claims.unclaim(
            self._direct,
            self._worker.worker_id,
            lane=self._lane,
            held=self._worker.held,
            reason=Reason.HANDED_BACK,
            actor=ACTOR,
            now=now,
        )

    def _write(self, row: WantedMessage, now: datetime) -> Ready:
        try:
            return self._renderer.mail(row, now=now)
        except Unsendable:
            raise
        except Exception as error:
            # One message that the record describes badly must not stop those behind it.
            log.exception("not composed", message=row.message_id)
            raise Unsendable(Reason.RENDER_FAILED, type(error).__name__) from error

    async def hold(self, batch: Sequence[Ready]) -> None:
        """Hold what the record would not permit, with a task for a person."""
        error = Unsendable(Reason.RENDER_FAILED, "record")
        await self._hold_lost([Lost(one.claim.message_id, one.notice, error) for one in batch])

    async def _hold_lost(self, lost: Sequence[Lost]) -> None:
        try:
            await self._hold(lost)
        except Exception as why:
            log.warning("could not hold", exc_info=not passes(why))  # then the claim lapses

    async def _hold(self, lost: Sequence[Lost]) -> None:
        try:
            await patiently(lambda: self._hold_once(lost), what="hold", until=self._stopping)
        finally:
            self._worker.let_go(one.message_id for one in lost)

    async def _hold_once(self, lost: Sequence[Lost]) -> None:
        async with self._engine.begin() as conn:
            await hold(conn, lost, State.CLAIMED, actor=ACTOR, now=self._now())

    def close(self) -> None:
        """Claim no more."""
        self._direct.close()

    async def put_off(self, later: Sequence[tuple[Ready, float]]) -> None:
        """Queue again what waits for its destination, each with the seconds until its turn."""
        now = self._now()
        times = [now + timedelta(seconds=seconds) for _, seconds in later]
        await self.give_back([ready.claim for ready, _ in later], Reason.SHAPED, times)

    async def give_back(
        self, batch: Iterable[Claim], reason: Reason, retry_at: Sequence[datetime] = ()
    ) -> None:
        """Queue again what was not begun, at once unless times are given.

        While the database is away this waits, unless it is time to stop: then the journal tells
        the next worker that nothing was begun.
        """
        given = [*batch]
        if not given:
            return
        worker = self._worker

        async def once() -> None:
            async with self._engine.begin() as conn:
                await claims.give_back(
                    conn,
                    worker.worker_id,
                    given,
                    reason=reason,
                    actor=ACTOR,
                    now=self._now(),
                    retry_at=retry_at,
                )

        ids = [claim.message_id for claim in given]
        try:
            await patiently(once, what="give back", until=self._stopping)
        except Exception as error:
            log.warning("could not give back", exc_info=not passes(error))
            worker.give_up(ids)
        else:
            worker.let_go(ids)
