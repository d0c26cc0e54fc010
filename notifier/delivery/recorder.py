"""Recording: outcomes go on record in batches, as large as what came in meanwhile."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.states import State
from notifier.model.task import TaskDraft, uncertain
from notifier.store import attempts, claims, tasks
from notifier.store.attempts import Recorded, Result
from notifier.store.direct import Direct
from notifier.store.failures import passes, patiently

from .outcomes import failed_task
from .session import ACTOR, WorkerSession

log = get_logger(__name__)

_MOST: Final = 200  # outcomes in one transaction
_GATHER: Final = 0.02  # seconds that the record of a mass mailing waits for more of them


async def record(
    conn: AsyncConnection,
    worker_id: UUID,
    results: Sequence[Result],
    *,
    actor: Actor,
    now: datetime,
) -> list[Recorded]:
    """Record outcomes, and make the tasks that follow from them."""
    recorded = await attempts.record(conn, worker_id, results, actor=actor, now=now)
    by_attempt = {r.attempt_id: r for r in results}
    drafts: list[TaskDraft] = []
    unclear: list[int] = []
    for one in recorded:
        result = by_attempt[one.attempt_id]
        if result.after is State.FAILED:
            drafts.append(failed_task(one.message_id, one.notice, result))
        elif result.after is State.UNCERTAIN:
            unclear.append(one.message_id)
    drafts += [uncertain(*found) for found in await claims.asks(conn, unclear)]
    await tasks.raise_all(conn, drafts, actor=actor, now=now)
    return recorded


class Recorder:
    """Takes outcomes from transmissions and keeps at it until they are on record."""

    def __init__(
        self,
        engine: AsyncEngine,
        direct: Direct,
        worker: WorkerSession,
        now: Callable[[], datetime],
        *,
        most_open: int,
        worth: int = 1,
        done: Callable[[], None],
    ) -> None:
        """``most_open``: permits without a record from which there is no room for more.

        ``worth``: outcomes that are recorded without waiting for more; 1 waits for none.
        ``done`` is called whenever something went on record.
        """
        self._engine = engine
        self._direct = direct
        self._worker = worker
        self._now = now
        self._most_open = most_open
        self._worth = worth
        self._enough = asyncio.Event()
        self._done = done
        self._queue: asyncio.Queue[tuple[int, Result]] = asyncio.Queue()
        self._open = 0  # permits without a recorded outcome

    @property
    def has_room(self) -> bool:
        """Whether a further transmission may be permitted."""
        return self._open < self._most_open

    def permitted(self, count: int) -> None:
        """So many transmissions were permitted."""
        self._open += count

    def forget(self, count: int) -> None:
        """Of so many transmissions nobody will tell how they ended."""
        self._open -= count
        self._done()

    def put(self, message_id: int, result: Result) -> None:
        """A transmission has ended."""
        self._queue.put_nowait((message_id, result))
        if self._queue.qsize() >= self._worth:
            self._enough.set()

    async def done(self) -> None:
        """Wait until all outcomes that were put are on record."""
        await self._queue.join()

    async def run(self) -> None:
        """Record for ever; cancel it when it is done."""
        while True:
            given = [await self._queue.get()]
            await self._gather()
            while not self._queue.empty() and len(given) < _MOST:
                given.append(self._queue.get_nowait())
            await self._save(given)
            self._open -= len(given)
            self._done()
            for _ in given:
                self._queue.task_done()

    async def _gather(self) -> None:
        """Each statement costs as much as a dozen outcomes in it; what was answered can wait."""
        if self._queue.qsize() + 1 < self._worth:
            self._enough.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GATHER):
                    await self._enough.wait()

    async def _save(self, given: Sequence[tuple[int, Result]]) -> None:
        results = [result for _, result in given]
        plain = all(r.after is State.SENT for r in results)  # no task follows: one statement

        async def save() -> None:
            now, who = self._now(), self._worker.worker_id
            if plain:
                await attempts.record(self._direct, who, results, actor=ACTOR, now=now)
                return
            async with self._engine.begin() as conn:
                await record(conn, who, results, actor=ACTOR, now=now)

        try:
            await patiently(save, what="record")
        except Exception as error:
            if passes(error):
                raise
            if len(given) > 1:  # one that cannot be recorded must not take the others with it
                for one in given:
                    await self._save([one])
                return
            # Its lease runs out and it becomes uncertain; the journal has what was answered.
            log.exception("outcome could not be recorded", message=given[0][0])
            self._worker.give_up([given[0][0]])
        else:
            self._worker.journal.settled(result.attempt_id for result in results)
        self._worker.let_go(message_id for message_id, _ in given)
