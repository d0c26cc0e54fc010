"""Dispatch: a permit for a micro-batch that fits the connections at hand, then the transmissions.

Mails that wait for their destination: a few are kept in hand, the others come back later.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from time import monotonic
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.store import attempts, documents
from notifier.store.attempts import Parcel
from notifier.store.direct import Direct

from .connection import SmtpConnection
from .gate import Gate, Gates
from .outcomes import Attempt, result_of
from .recorder import Recorder
from .render import Ready
from .replies import Hint, Outcome, Reply
from .session import ACTOR, WorkerSession

log = get_logger(__name__)

_IN_HAND: Final = 2  # of each destination
_LONGEST_IN_HAND: Final = 5.0  # seconds that a mail is kept in hand


class Waiting:
    """What a lane keeps in hand. ``again`` takes each mail when its time has come."""

    def __init__(self, again: Callable[[Ready], None]) -> None:
        self._again = again
        self._kept: dict[int, tuple[Ready, str, asyncio.TimerHandle]] = {}
        self._counts: Counter[str] = Counter()

    def put(self, ready: Ready, gate: Gate, wait: float, now: float) -> float | None:
        """Keep a mail that may begin in ``wait`` seconds.

        Where there are enough of its destination already, answers the seconds after which it is
        to come back from the record.
        """
        recipient = ready.envelope.recipient
        destination = gate.destination(recipient).name
        in_hand = self._counts[destination]
        if in_hand >= _IN_HAND or wait > _LONGEST_IN_HAND:
            return gate.schedule(recipient, now, ahead=in_hand)
        message_id = ready.claim.message_id
        timer = asyncio.get_running_loop().call_later(wait, self._due, message_id)
        self._kept[message_id] = ready, destination, timer
        self._counts[destination] += 1
        return None

    def _due(self, message_id: int) -> None:
        self._again(self._remove(message_id))

    def _remove(self, message_id: int) -> Ready:
        ready, destination, timer = self._kept.pop(message_id)
        timer.cancel()
        self._counts[destination] -= 1
        if not self._counts[destination]:
            del self._counts[destination]
        return ready

    def take_all(self) -> list[Ready]:
        """All that is in hand; nothing is kept any more."""
        return [self._remove(message_id) for message_id in [*self._kept]]

    def __len__(self) -> int:
        return len(self._kept)


class Dispatcher:
    """Transmits what has a permit. ``done`` takes each connection back at its end."""

    def __init__(
        self,
        *,
        engine: AsyncEngine,
        direct: Direct,
        worker: WorkerSession,
        recorder: Recorder,
        gates: Gates,
        done: Callable[[SmtpConnection], None],
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

    async def send(self, pairs: Sequence[tuple[Ready, SmtpConnection]]) -> bool:
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
        for ready, connection in pairs:
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
                self._start(ready, attempt, connection)
            else:
                self._worker.let_go([message_id])
                self._gates.of(connection.relay).undo(ready.envelope.recipient, monotonic())
                self._done(connection)
        return True

    async def _permit(
        self, pairs: Sequence[tuple[Ready, SmtpConnection]], now: datetime
    ) -> dict[int, int]:
        parcels = [
            Parcel(
                message_id=ready.claim.message_id,
                fence=ready.claim.fence,
                relay=connection.label,
                digest=ready.version.digest,
                sha256=ready.sha256,
                size=len(ready.envelope.data),
                dictionary_id=self._dictionaries[ready.dictionary.sha256],
                body=ready.packed,
            )
            for ready, connection in pairs
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

    def _start(self, ready: Ready, attempt: Attempt, connection: SmtpConnection) -> None:
        task = asyncio.create_task(self._transmit(ready, attempt, connection))
        self._in_flight[task] = ready.claim.message_id
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Whatever was to be noted about a transmission and could not be: its lease runs out."""
        message_id = self._in_flight.pop(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("transmission not noted", message=message_id, exc_info=error)
            self._worker.give_up([message_id])
            self._recorder.forget(1)

    async def _transmit(self, ready: Ready, attempt: Attempt, connection: SmtpConnection) -> None:
        begun, began_at = False, monotonic()

        def begin() -> bool:
            nonlocal begun
            if self._worker.may_begin():
                self._worker.journal.begin(attempt.attempt_id)
                begun = True
            return begun

        try:
            reply = await connection.transmit(ready.envelope, begin)
        except Exception as error:
            # Not the wire's doing: a full disk under the journal, or a mistake of ours.
            log.exception("transmission broke", message=ready.claim.message_id)
            connection.drop()
            outcome = Outcome.UNCERTAIN if begun else Outcome.BEFORE_DATA
            reply = Reply(outcome=outcome, command="BODY", text=type(error).__name__)
        self._note(attempt, reply)
        try:
            hint = self._tally(ready.envelope.recipient, reply, connection, began_at)
        finally:
            self._done(connection)  # it comes back, whatever else breaks
        result = result_of(attempt, reply, now=self._now(), dice=random.random, hint=hint)
        self._recorder.put(ready.claim.message_id, result)

    def _tally(
        self, recipient: str, reply: Reply, connection: SmtpConnection, began_at: float
    ) -> Hint:
        """Let the destination's gate, and the connection, know how it ended."""
        ended_at = monotonic()
        gate = self._gates.of(connection.relay)
        hint = gate.ended(recipient, reply, ended_at - began_at, ended_at)
        destination = gate.destination(recipient)
        connection.tally(destination.name, destination.limits.most_messages)
        return hint

    def _note(self, attempt: Attempt, reply: Reply) -> None:
        try:
            self._worker.journal.reply(attempt.attempt_id, reply)
        except Exception:
            # Whatever it is: the connection must come back, and the outcome go on record.
            log.exception("journal could not be written")

    async def drained(self) -> None:
        """Wait until all transmissions have ended."""
        while self._in_flight:
            await asyncio.gather(*self._in_flight, return_exceptions=True)
