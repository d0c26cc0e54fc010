"""Dispatch: a permit for a micro-batch that fits the lines at hand, then the transmissions."""

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.store import attempts, documents
from notifier.store.attempts import Parcel
from notifier.store.direct import Direct

from .gate import Gates
from .hints import Hint
from .line import Line
from .outcomes import Attempt, result_of
from .recorder import Recorder
from .render import Ready
from .reply import Outcome, Reply
from .worker import ACTOR, Worker

log = get_logger(__name__)


class Dispatcher:
    """Transmits what has a permit. ``done`` takes each line back when its transmission ends."""

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        direct: Direct,
        worker: Worker,
        recorder: Recorder,
        gates: Gates,
        done: Callable[[Line], None],
        now: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._direct = direct
        self._worker = worker
        self._recorder = recorder
        self._gates = gates
        self._done = done
        self._now = now
        self._known: set[str] = set()  # digests of template versions that are on record
        self._dictionaries: dict[bytes, int] = {}  # hash → id of those on record
        self._in_flight: dict[asyncio.Task[None], int] = {}  # → message id

    async def send(self, pairs: Sequence[tuple[Ready, Line]]) -> bool:
        """Permit and start a micro-batch; False if nothing of it may leave.

        Raises what the database raises: whether the permits were committed is then unknown, but
        no DATA has begun. A message that was cancelled meanwhile is dropped.
        """
        now = self._now()
        await self._register([ready for ready, _ in pairs], now)
        permits = await self._permit(pairs, now)
        if not permits:
            return False
        self._recorder.permitted(len(permits))
        for ready, line in pairs:
            message_id = ready.claim.message_id
            if message_id in permits:
                attempt = Attempt(
                    attempt_id=permits[message_id],
                    message_id=message_id,
                    number=ready.number,
                    fence=ready.claim.fence,
                    expires_at=ready.expires_at,
                    permitted_at=now,
                    most=ready.most,
                )
                self._start(ready, attempt, line)
            else:
                self._worker.let_go([message_id])
                self._gates.of(line.relay).undo(ready.envelope.recipient, monotonic())
                self._done(line)
        return True

    async def _permit(self, pairs: Sequence[tuple[Ready, Line]], now: datetime) -> dict[int, int]:
        parcels = [
            Parcel(
                message_id=ready.claim.message_id,
                fence=ready.claim.fence,
                relay=line.label,
                digest=ready.version.digest,
                sha256=ready.sha256,
                size=len(ready.envelope.data),
                dictionary_id=self._dictionaries[ready.dictionary.sha256],
                body=ready.packed,
            )
            for ready, line in pairs
        ]
        return await attempts.permit(
            self._direct, self._worker.worker_id, parcels, actor=ACTOR, now=now
        )

    async def _register(self, batch: Sequence[Ready], now: datetime) -> None:
        """See to it that what mails are written from and packed with is on record."""
        versions = {
            r.version.digest: r.version for r in batch if r.version.digest not in self._known
        }
        dictionaries = {
            r.dictionary.sha256: r.dictionary
            for r in batch
            if r.dictionary.sha256 not in self._dictionaries
        }
        if not versions and not dictionaries:
            return
        async with self._engine.begin() as conn:
            await documents.register(conn, [*versions.values()], now=now)
            ids = {
                digest: await documents.keep_dictionary(conn, dictionary, now=now)
                for digest, dictionary in dictionaries.items()
            }
        self._known.update(versions)
        self._dictionaries.update(ids)

    def _start(self, ready: Ready, attempt: Attempt, line: Line) -> None:
        task = asyncio.create_task(self._transmit(ready, attempt, line))
        self._in_flight[task] = ready.claim.message_id
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Whatever was to be noted about a transmission and could not be: its lease runs out."""
        message_id = self._in_flight.pop(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("transmission not noted", message=message_id, exc_info=error)
            self._worker.give_up([message_id])
            self._recorder.forget(1)

    async def _transmit(self, ready: Ready, attempt: Attempt, line: Line) -> None:
        begun, began_at = False, monotonic()

        def begin() -> bool:
            nonlocal begun
            if self._worker.may_begin():
                self._worker.journal.begin(attempt.attempt_id)
                begun = True
            return begun

        try:
            reply = await line.transmit(ready.envelope, begin)
        except Exception as error:
            # Not the wire's doing: a full disk under the journal, or a mistake of ours.
            log.exception("transmission broke", message=ready.claim.message_id)
            line.drop()
            outcome = Outcome.UNCERTAIN if begun else Outcome.BEFORE_DATA
            reply = Reply(outcome=outcome, command="BODY", text=type(error).__name__)
        self._note(attempt, reply)
        try:
            hint = self._tally(ready.envelope.recipient, reply, line, began_at)
        finally:
            self._done(line)  # it comes back, whatever else breaks
        result = result_of(attempt, reply, now=self._now(), dice=random.random, hint=hint)
        self._recorder.put(ready.claim.message_id, result)

    def _tally(self, recipient: str, reply: Reply, line: Line, began_at: float) -> Hint:
        """Let the destination's gate, and the line, know how it ended."""
        ended_at = monotonic()
        gate = self._gates.of(line.relay)
        hint = gate.ended(recipient, reply, ended_at - began_at, ended_at)
        destination = gate.destination(recipient)
        line.tally(destination.name, destination.limits.most_messages)
        return hint

    def _note(self, attempt: Attempt, reply: Reply) -> None:
        try:
            self._worker.journal.reply(attempt.attempt_id, reply)
        except Exception:
            # Whatever it is: the line must come back, and the outcome go on record.
            log.exception("journal could not be written")

    async def drained(self) -> None:
        """Wait until all transmissions have ended."""
        while self._in_flight:
            await asyncio.gather(*self._in_flight, return_exceptions=True)
