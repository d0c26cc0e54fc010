"""Receiving mails that came back: read and put on record, whichever way they came."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.logs import get_logger
from notifier.model.actor import Actor, system
from notifier.model.returns import Outcome, Return
from notifier.model.tracking import Reading, ReturnKind
from notifier.store.failures import passes

from .effect import apply
from .reading import read

log = get_logger(__name__)

_TOGETHER: Final = 50  # of those who wait, in one transaction
_READERS: Final = 2  # mails that are read at once; each may keep a core busy


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it came in."""

    data: bytes
    source: str
    external_id: str = ""  # empty: named by its bytes
    recipients: tuple[str, ...] = ()  # of the envelope

    @property
    def name(self) -> str:
        """Under which it is kept."""
        return self.external_id or hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnReceiver:
    """Reads mails and lets them take effect. Raises whatever says that the record is away."""

    engine: AsyncEngine
    now: Callable[[], datetime]
    actor: Actor = field(default_factory=lambda: system("track"))
    direct: Sequence[str] = ()  # labels of direct relays
    _room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_READERS))
    _line: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: "deque[_Given]" = field(default_factory=deque)

    async def read(self, mails: Sequence[Mail]) -> list[Return]:
        """What mails say. Reading goes on beside everything else."""
        async with self._room:
            readings = await asyncio.to_thread(lambda: [_read(mail.data) for mail in mails])
        return [
            Return(
                source=mail.source,
                external_id=mail.name,
                raw=mail.data,
                reading=reading,
                recipients=mail.recipients,
            )
            for mail, reading in zip(mails, readings, strict=True)
        ]

    async def take(self, conn: AsyncConnection, given: Sequence[Return]) -> list[Outcome]:
        """Let returns take effect in the caller's transaction.

        Those that break on the way are kept for a person instead, so that none is lost.
        """
        try:
            async with conn.begin_nested():
                return await self._apply(conn, given)
        except Exception as error:
            if passes(error):
                raise
            log.exception("returns not applied", count=len(given))
        if len(given) > 1:  # find the one that breaks
            return [outcome for one in given for outcome in await self.take(conn, [one])]
        [one] = given
        plain = Return(
            source=one.source,
            external_id=one.external_id,
            raw=one.raw,
            reading=Reading(kind=ReturnKind.UNKNOWN),
        )
        return await self._apply(conn, [plain])

    async def _apply(self, conn: AsyncConnection, given: Sequence[Return]) -> list[Outcome]:
        return await apply(conn, given, actor=self.actor, now=self.now(), direct=self.direct)

    async def receive(self, mails: Sequence[Mail]) -> list[Outcome]:
        """Read mails and commit what follows.

        What several bring at once is committed together: whoever is first in line does it for all.
        """
        one = _Given(await self.read(mails), asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        async with self._line:
            if not one.outcomes.done():
                some = [self._waiting.popleft() for _ in range(min(len(self._waiting), _TOGETHER))]
                await asyncio.shield(self._commit(some))  # whoever hangs up holds up nobody
        return await one.outcomes

    async def _commit(self, some: Sequence["_Given"]) -> None:
        given = [each for one in some for each in one.returns]
        try:
            async with self.engine.begin() as conn:
                done = iter(await self.take(conn, given))
        except Exception as error:  # noqa: BLE001 (told to each who waits)
            for one in some:
                one.settle(error)
        else:
            for one in some:
                one.settle([next(done) for _ in one.returns])


@dataclass(frozen=True, slots=True)
class _Given:
    """What somebody has brought, and where they wait."""

    returns: Sequence[Return]
    outcomes: asyncio.Future[list[Outcome]]

    def settle(self, what: list[Outcome] | Exception) -> None:
        """Tell what became of it, unless they have gone."""
        if self.outcomes.done():
            return
        if isinstance(what, Exception):
            self.outcomes.set_exception(what)
        else:
            self.outcomes.set_result(what)


def _read(data: bytes) -> Reading:
    try:
        return read(data)
    except Exception:
        log.exception("return not read", size=len(data))
        return Reading(kind=ReturnKind.UNKNOWN)
