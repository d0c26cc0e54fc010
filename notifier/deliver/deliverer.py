"""A lane at work: claim and write ahead, permit what fits the free lines, transmit, record."""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.decide.calendar import japan_date
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import attempts, claims, compose, documents, messages, tasks
from notifier.store.attempts import Parcel
from notifier.store.messages import Move

from . import alarms
from .away import is_away, patiently
from .compose import Unsendable
from .line import Line, RelayDown
from .outcomes import Attempt, result_of
from .recorder import Recorder
from .relay import Pool
from .render import Ready, Renderer
from .reply import Outcome, Reply
from .worker import ACTOR, Worker

log = structlog.get_logger(__name__)

POLL: Final = 1.0  # seconds between looks when no bell rings
_LONGEST: Final = 30.0  # seconds between two tries of a relay that is away
_AHEAD: Final = 2  # messages written ahead for each line
_OPEN: Final = 4  # permits for each line that may wait for their record


@dataclass(frozen=True, slots=True)
class Lost:
    """A claimed message that cannot be written."""

    message_id: int
    notice: str
    error: Unsendable


class Deliverer:
    """Delivers one lane until it is told to stop."""

    def __init__(  # noqa: PLR0913 (the parts that runtime joins)
        self,
        lane: Lane,
        *,
        engine: AsyncEngine,
        worker: Worker,
        pool: Pool,
        renderer: Renderer,
        now: Callable[[], datetime],
        bell: asyncio.Event | None = None,
    ) -> None:
        self.lane = lane
        self.bell = bell or asyncio.Event()
        self._engine = engine
        self._worker = worker
        self._pool = pool
        self._renderer = renderer
        self._now = now
        self._recorder = Recorder(engine, worker, now, most_open=_OPEN * pool.size)
        self._ready: deque[Ready] = deque()
        self._changed = asyncio.Event()  # something is ready, or there is room, or it is time to stop
        self._stopping = False
        self._relay_down = False
        self._in_flight: set[asyncio.Task[None]] = set()
        self._known: set[str] = set()  # digests of template versions that are on record

    def stop(self) -> None:
        """Claim nothing more; :meth:`run` returns when what is in flight has ended."""
        self._stopping = True
        self.bell.set()
        self._changed.set()

    async def run(self) -> None:
        """Deliver. Whatever fails is tried again; the record is what counts."""
        recording = asyncio.create_task(self._recorder.run())
        sending = asyncio.create_task(self._send())
        try:
            await self._fill()
            await sending
            while self._in_flight:
                await asyncio.gather(*self._in_flight)
            await self._recorder.done()
        finally:
            for task in (sending, recording):
                task.cancel()
            await asyncio.gather(sending, recording, return_exceptions=True)
            await self._pool.close()

    # -- claim and write ----------------------------------------------------------------------

    async def _fill(self) -> None:
        delay = 0.1
        while not self._stopping:
            self.bell.clear()
            try:
                await self._relay_back()
                taken = await self._claim()
            except Exception as error:
                # Claims that got lost on the way lapse by themselves.
                log.warning("claim failed", lane=self.lane.name, exc_info=not is_away(error))
                await self._pause(delay)
                delay = min(delay * 2, 5.0)
                continue
            delay = 0.1
            if not taken and not self._stopping:
                self._pool.prune()
                await self._pause(POLL)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.bell.wait()

    async def _relay_back(self) -> None:
        """While the relay is away nothing is claimed, and no message pays for it."""
        delay = 1.0
        while self._relay_down and not self._stopping:
            try:
                await self._pool.probe()
                self._relay_down = False
            except RelayDown:
                await asyncio.sleep(delay * (0.5 + random.random()))  # noqa: S311
                delay = min(delay * 2, _LONGEST)

    async def _claim(self) -> int:
        """Claim and write what there is room for; how many were claimed."""
        room = _AHEAD * self._pool.size - len(self._ready)
        while room <= 0 and not self._stopping:
            self._changed.clear()
            await self._changed.wait()
            room = _AHEAD * self._pool.size - len(self._ready)
        if self._stopping:
            return 0
        now = self._now()
        async with self._engine.begin() as conn:
            taken = await claims.claim(
                conn,
                self.lane,
                worker_id=self._worker.worker_id,
                limit=room,
                lease=self._worker.lease,
                actor=ACTOR,
                now=now,
            )
            ids = [c.message_id for c in taken]
            found = await compose.load(conn, ids, today=japan_date(now))
        self._worker.hold(ids)
        lost: list[Lost] = []
        for message_id in ids:
            try:
                self._ready.append(self._renderer.mail(found[message_id], now=now))
            except Unsendable as error:
                lost.append(Lost(message_id, found[message_id]["notice"], error))
            self._changed.set()
            await asyncio.sleep(0)  # let replies in between
        if lost:
            await self._hold(lost)
        return len(ids)

    async def _hold(self, lost: Sequence[Lost]) -> None:
        async def hold() -> None:
            now = self._now()
            asked = [
                Move(
                    message_id=one.message_id,
                    after=State.HELD,
                    reason=one.error.reason,
                    only_from=(State.CLAIMED,),
                )
                for one in lost
            ]
            async with self._engine.begin() as conn:
                moved = set(await messages.move(conn, asked, actor=ACTOR, now=now))
                drafts = [
                    alarms.held(one.message_id, one.notice, one.error)
                    for one in lost
                    if one.message_id in moved
                ]
                await tasks.raise_all(conn, drafts, actor=ACTOR, now=now)

        await patiently(hold, what="hold")
        self._worker.let_go(one.message_id for one in lost)

    # -- permit and transmit ------------------------------------------------------------------

    async def _send(self) -> None:
        while True:
            while not self._ready and not self._stopping:
                self._changed.clear()
                await self._changed.wait()
            if self._stopping:
                await self._return_all(Reason.HANDED_BACK)
                return
            await self._recorder.room()
            try:
                lines = await self._pool.take(len(self._ready))
            except RelayDown as down:
                log.warning("relay away", relay=down.reply.relay, code=down.reply.code)
                self._relay_down = True
                await self._return_all(Reason.CONNECTION_FAILED)
                continue
            batch = [self._ready.popleft() for _ in range(min(len(lines), len(self._ready)))]
            self._changed.set()
            await self._dispatch(batch, lines)

    async def _dispatch(self, batch: Sequence[Ready], lines: list[Line]) -> None:
        """Permit a micro-batch that is no larger than the lines at hand, and start it."""
        try:
            permits = await self._permit(batch, lines) if self._worker.may_begin() else {}
        except Exception as error:
            log.warning("permit failed", lane=self.lane.name, exc_info=not is_away(error))
            permits = None
        if not permits:
            for line in lines:
                self._pool.give(line)
            # Whether a permit that failed was committed nobody knows; no DATA has begun.
            await self._return(batch, Reason.HANDED_BACK)
            return
        self._recorder.permitted(len(permits))
        for ready in batch:
            if ready.claim.message_id in permits:
                attempt = Attempt(permits[ready.claim.message_id], ready.number, ready.expires_at)
                self._start(ready, attempt, lines.pop())
            else:
                self._worker.let_go([ready.claim.message_id])  # cancelled meanwhile
        for line in lines:
            self._pool.give(line)

    async def _permit(self, batch: Sequence[Ready], lines: Sequence[Line]) -> dict[int, int]:
        new = {r.version.digest: r.version for r in batch if r.version.digest not in self._known}
        parcels = [
            Parcel(
                message_id=ready.claim.message_id,
                fence=ready.claim.fence,
                relay=line.relay.label,
                digest=ready.version.digest,
                sha256=ready.sha256,
                size=len(ready.envelope.data),
                body=ready.packed,
            )
            for ready, line in zip(batch, reversed(lines), strict=False)
        ]
        now = self._now()
        async with self._engine.begin() as conn:
            await documents.register(conn, list(new.values()), now=now)
            permits = await attempts.permit(
                conn, self._worker.worker_id, parcels, actor=ACTOR, now=now
            )
        self._known.update(new)
        return permits

    def _start(self, ready: Ready, attempt: Attempt, line: Line) -> None:
        task = asyncio.create_task(self._transmit(ready, attempt, line))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _transmit(self, ready: Ready, attempt: Attempt, line: Line) -> None:
        begun = False

        def begin() -> bool:
            nonlocal begun
            if not self._worker.may_begin():
                return False
            self._worker.journal.begin(attempt.attempt_id)
            begun = True
            return True

        try:
            reply = await line.transmit(ready.envelope, begin)
        except Exception as error:
            # Not the wire's doing: a full disk under the journal, or a mistake of ours.
            log.exception("transmission broke", message=ready.claim.message_id)
            line.drop()
            outcome = Outcome.UNCERTAIN if begun else Outcome.BEFORE_DATA
            reply = Reply(outcome=outcome, command="BODY", text=type(error).__name__)
        self._note(attempt, reply)
        self._pool.give(line)
        result = result_of(attempt, reply, now=self._now(), dice=random.random)
        self._recorder.put(ready.claim.message_id, result)

    def _note(self, attempt: Attempt, reply: Reply) -> None:
        try:
            self._worker.journal.reply(attempt.attempt_id, reply)
        except OSError:
            log.exception("journal could not be written")

    async def _return_all(self, reason: Reason) -> None:
        batch = [*self._ready]
        self._ready.clear()
        self._changed.set()
        await self._return(batch, reason)

    async def _return(self, batch: Sequence[Ready], reason: Reason) -> None:
        """Queue again what was not begun. On an orderly stop one try must do: leases run out."""
        given = [ready.claim for ready in batch]

        async def give_back() -> None:
            async with self._engine.begin() as conn:
                worker_id, now = self._worker.worker_id, self._now()
                await claims.give_back(
                    conn, worker_id, given, reason=reason, actor=ACTOR, now=now
                )

        if not given:
            return
        try:
            await (give_back() if self._stopping else patiently(give_back, what="give back"))
        except Exception as error:
            log.warning("could not hand back", exc_info=not is_away(error))
        self._worker.let_go(claim.message_id for claim in given)
