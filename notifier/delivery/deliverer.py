"""A lane at work: claim and write ahead, permit what fits the connections, transmit, record."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.store.direct import Direct
from notifier.store.failures import is_bad_data, passes

from .claim import Claimer
from .connection import RelayDown, SmtpConnection
from .dispatch import Dispatcher, Waiting
from .gate import Gates
from .pool import ConnectionPool
from .recorder import Recorder
from .render import Ready, Renderer
from .session import WorkerSession
from .wake_up import WakeUp

log = get_logger(__name__)

POLL: Final = 1.0  # seconds between looks when no wake_up rings
_AGAIN: Final = 0.2  # seconds between looks while the relay grants no further connection
_LONGEST: Final = 30.0  # seconds between two tries of a relay that is away
_AHEAD: Final = 12  # messages written ahead for each connection
_AT_ONCE: Final = 2  # permits on their way: one waits for the disk while the next is asked for
_OPEN: Final = 4  # permits for each connection that may wait for their record
_HELPING: Final = 24  # a mass mailing is permitted for so many connections at once, or half of them
_GATHER: Final = 0.02  # seconds that it waits for that
_PARTING: Final = 30.0  # seconds that a stop waits for the record; then the journal must do


class Deliverer:
    """Delivers one lane until it is told to stop."""

    def __init__(
        self,
        lane: Lane,
        *,
        engine: AsyncEngine,
        worker: WorkerSession,
        pool: ConnectionPool,
        gates: Gates,
        renderer: Renderer,
        now: Callable[[], datetime],
        wake_up: WakeUp,
    ) -> None:
        """``wake_up`` is set when something may be due."""
        self.lane = lane
        self._wake_up = wake_up
        self._worker = worker
        self._pool = pool
        self._gates = gates
        self._waiting = Waiting(self._due)
        self._changed = asyncio.Event()  # anything that :meth:`_send` or :meth:`_room` waits for
        self._stop = asyncio.Event()
        self._relay_down = self._has_waited = False
        self._gathering: asyncio.TimerHandle | None = None  # for a larger helping
        self._beginning: set[asyncio.Task[None]] = set()  # permits on their way
        self._failure: BaseException | None = None  # of what runs beside
        self._ready: deque[Ready] = deque()
        self._direct = Direct(engine)
        stopping = self._stop.is_set
        self._claimer = Claimer(
            lane, engine=engine, worker=worker, renderer=renderer, now=now, stopping=stopping
        )
        worth, done = (pool.size if lane is Lane.BULK else 1), self._changed.set
        self._recorder = Recorder(
            engine, self._direct, worker, now, most_open=_OPEN * pool.size, worth=worth, done=done
        )
        self._dispatcher = Dispatcher(
            engine=engine,
            direct=self._direct,
            worker=worker,
            recorder=self._recorder,
            gates=gates,
            done=self._back,
            now=now,
        )

    def stop(self) -> None:
        """Claim nothing more; :meth:`run` returns when what is in flight has ended."""
        self._stop.set()
        self._wake_up.set()
        self._changed.set()
        self._claimer.stop()

    async def run(self) -> None:
        """Deliver. Whatever fails is tried again; the record is what counts."""
        recording = asyncio.create_task(self._recorder.run())
        recording.add_done_callback(self._look_for_failure)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._fill())
                group.create_task(self._claimer.write(self._add))
                group.create_task(self._send())
        finally:
            self._stop.set()
            await self._return(Reason.HANDED_BACK)  # what was claimed after sending had ended
            await self._dispatcher.drained()
            if not recording.done():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_PARTING):
                        await self._recorder.done()
            recording.cancel()
            await asyncio.gather(recording, return_exceptions=True)
            self._direct.close()
            self._claimer.close()
            await self._pool.close()

    async def _fill(self) -> None:
        """Claim ahead of the connections, and of the writing of what is in hand."""
        delay = 0.1
        while not self._stop.is_set():
            self._wake_up.clear()
            try:
                await self._relay_back()
                taken = await self._take()
                delay = 0.1
            except Exception as error:
                # What was claimed and got lost on the way lapses by itself.
                log.warning("claim failed", lane=self.lane.name, exc_info=not passes(error))
                await _within(delay, self._stop)
                delay = min(delay * 2, 5.0)
                continue
            if not taken and not self._stop.is_set():
                self._pool.prune()
                self._wake_up.is_listened_to = True
                await _within(POLL, self._wake_up)
                self._wake_up.is_listened_to = False

    async def _take(self) -> int:
        room = await self._room()
        if self._stop.is_set() or not self._worker.may_begin():
            return 0
        return await self._claimer.take(room)

    def _add(self, ready: Ready) -> None:
        self._ready.append(ready)
        self._changed.set()

    async def _room(self) -> int:
        """Wait until half of what may be written ahead is used up; how much there is room for."""
        most = _AHEAD * self._pool.size
        while len(self._ready) + self._claimer.unwritten > most // 2 and not self._stop.is_set():
            await self._change()
        return most - len(self._ready) - self._claimer.unwritten - len(self._waiting)

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    async def _relay_back(self) -> None:
        """While the relay is away nothing is claimed, and no message pays for it."""
        while self._relay_down and not self._stop.is_set():
            wait = await self._pool.probe()
            if wait:
                await _within(min(wait, _LONGEST), self._stop)
            else:
                self._relay_down = False

    async def _send(self) -> None:
        """Pass on what is ready, as many at a time as there are free connections."""
        while True:
            while not self._stop.is_set() and not self._may_send():
                self._go_on()
                await self._change()
            self._go_on()
            if self._stop.is_set():
                await asyncio.gather(*self._beginning)
                await self._return(Reason.HANDED_BACK)
                return
            try:
                connections = await self._pool.take(min(len(self._ready), self._room_for()))
            except RelayDown as down:
                log.warning("relay away", relay=down.reply.relay, code=down.reply.code)
                self._relay_down = True
                await self._return(Reason.CONNECTION_FAILED)
            else:
                if connections:
                    await self._dispatch(connections)
                else:  # all that the relay grants are busy
                    self._changed.clear()
                    await _within(_AGAIN, self._changed)

    def _go_on(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _may_send(self) -> bool:
        if len(self._beginning) >= _AT_ONCE:
            return False
        room = self._room_for()
        return bool(self._ready) and room > 0 and self._recorder.has_room and self._is_worth(room)

    def _is_worth(self, room: int) -> bool:
        """A mass mailing is permitted in larger helpings: each costs one wait for the disk.

        It waits for one only for a moment: slow replies must not hold up connections that are free.
        """
        if self.lane is not Lane.BULK or room >= min(_HELPING, self._pool.size // 2):
            return True
        if self._gathering is None:
            self._gathering = asyncio.get_running_loop().call_later(_GATHER, self._gathered)
        return self._has_waited

    def _gathered(self) -> None:
        # Told by the timer itself: by the clock it may come a little early, and nothing after it.
        self._has_waited = True
        self._changed.set()

    def _begin_gathering_anew(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
        self._gathering, self._has_waited = None, False

    def _room_for(self) -> int:
        """How many transmissions may begin: a mass mailing keeps the relay's pace."""
        if self.lane is not Lane.BULK:
            return self._pool.free
        in_flight = self._pool.size - self._pool.free
        return min(self._pool.free, self._pool.paced - in_flight)

    async def _dispatch(self, connections: list[SmtpConnection]) -> None:
        self._begin_gathering_anew()
        pairs, later = self._match(connections)
        self._changed.set()
        if later:
            await self._claimer.put_off(later)
        if pairs:
            begun = asyncio.create_task(self._begin(pairs))
            self._beginning.add(begun)
            begun.add_done_callback(self._has_begun)

    def _has_begun(self, begun: asyncio.Task[None]) -> None:
        self._beginning.discard(begun)
        self._look_for_failure(begun)
        self._changed.set()

    def _look_for_failure(self, ended: asyncio.Task[None]) -> None:
        """What breaks beside the lane ends the lane: the process begins another session."""
        if not ended.cancelled() and (error := ended.exception()):
            self._failure = error
            self._changed.set()

    async def _begin(self, pairs: Sequence[tuple[Ready, SmtpConnection]]) -> None:
        """Permit and start; what may not leave is given back."""
        going = unfit = False
        try:
            going = self._worker.may_begin() and await self._dispatcher.send(pairs)
        except Exception as error:
            log.warning("permit failed", lane=self.lane.name, exc_info=not passes(error))
            unfit = is_bad_data(error)
        if going:
            return
        if unfit and len(pairs) > 1:  # one that cannot be permitted must not stop the others
            for pair in pairs:
                await self._begin([pair])
            return
        for ready, connection in pairs:
            self._gates.of(connection.relay).undo(ready.envelope.recipient, monotonic())
            self._back(connection)
        back = self._claimer.hold if unfit else self._hand_back
        await back([ready for ready, _ in pairs])

    async def _hand_back(self, batch: Iterable[Ready]) -> None:
        await self._claimer.give_back([one.claim for one in batch], Reason.HANDED_BACK)

    def _match(
        self, connections: Sequence[SmtpConnection]
    ) -> tuple[list[tuple[Ready, SmtpConnection]], list[tuple[Ready, float]]]:
        """Give each connection a mail whose destination takes one now; the others go back.

        Also the mails that are to come back from the record, with the seconds until then.
        """
        pairs: list[tuple[Ready, SmtpConnection]] = []
        later: list[tuple[Ready, float]] = []
        now = monotonic()
        for connection in connections:
            gate = self._gates.of(connection.relay)
            while self._ready:
                ready = self._ready.popleft()
                wait = gate.begin(ready.envelope.recipient, now)
                if not wait:
                    pairs.append((ready, connection))
                    break
                seconds = self._waiting.put(ready, gate, wait, now)
                if seconds is not None:
                    later.append((ready, seconds))
            else:
                self._back(connection)
        return pairs, later

    def _due(self, ready: Ready) -> None:
        """A mail that was in hand may begin now."""
        self._ready.appendleft(ready)
        self._changed.set()

    async def _return(self, reason: Reason) -> None:
        written = [*self._ready, *self._waiting.take_all()]
        batch = [*(one.claim for one in written), *self._claimer.take_unwritten()]
        self._ready.clear()
        self._changed.set()
        await self._claimer.give_back(batch, reason)

    def _back(self, connection: SmtpConnection) -> None:
        self._pool.give(connection)
        self._changed.set()


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event, but not for longer than so many seconds."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
