"""Returns: what came back, and what a person makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotFound
from notifier.model.returns import (
    KnownReturn,
    Outcome,
    Return,
    ReturnCount,
    ReturnReason,
    Standing,
)
from notifier.model.tracking import Reading, TrackingEntry
from notifier.printing import returned
from notifier.printing.returned import BroughtBack, Returned
from notifier.returns.judgement import Judgement, put_aside, take_as_said
from notifier.returns.reading import read
from notifier.returns.receiver import Mail, ReturnReceiver
from notifier.store import returns as store
from notifier.store import tracking

_SHOWN = 4_000  # characters of its text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDetail:
    """A return with what was read in it, and what is on record about its message."""

    known: KnownReturn
    reading: Reading
    entries: tuple[TrackingEntry, ...]
    text: str  # the beginning of its words


async def find_returns(
    engine: AsyncEngine, *, standing: Standing | None, reason: ReturnReason | None, limit: int
) -> list[KnownReturn]:
    """Return the newest returns that match."""
    async with engine.connect() as conn:
        return await store.search(conn, standing=standing, reason=reason, limit=limit)


async def count_returns(engine: AsyncEngine) -> list[ReturnCount]:
    """Return how many returns stand where, and why."""
    async with engine.connect() as conn:
        return await store.counts(conn)


async def show_return(engine: AsyncEngine, return_id: int) -> ReturnDetail:
    """Return one with all that is known of it. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await _found(conn, return_id)
        [known] = await store.search(conn, only=return_id)
        message_id = known.message_id
        entries = await tracking.of_message(conn, message_id) if message_id else ()
    return ReturnDetail(
        known=known,
        reading=store.restored(found).reading,
        entries=tuple(entries),
        text=read(bytes(found.raw)).text[:_SHOWN],
    )


async def bytes_of_return(engine: AsyncEngine, return_id: int) -> bytes:
    """Return one exactly as it came in. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        return bytes((await _found(conn, return_id)).raw)


async def judge(
    engine: AsyncEngine,
    return_id: int,
    said: Judgement | None,
    *,
    direct: Sequence[str],
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Let a return take effect as a person says; None: it is about nothing of ours.

    ``direct``: labels of direct relays. Raises :class:`NotFound` and :class:`NotAllowed`.
    """
    async with engine.begin() as conn:
        if said is None:
            return await put_aside(conn, return_id, actor=actor, now=now)
        return await take_as_said(conn, return_id, said, actor=actor, now=now, direct=direct)


async def take_mails(desk: ReturnReceiver, mails: Sequence[Mail]) -> list[tuple[Return, Outcome]]:
    """Put mails on record and let them take effect, all in one transaction."""
    given = await desk.read(mails)
    async with desk.engine.begin() as conn:
        return list(zip(given, await desk.take(conn, given), strict=True))


async def bring_back(
    engine: AsyncEngine, letters: Sequence[Returned], *, actor: Actor, now: datetime
) -> BroughtBack:
    """Note letters as returned; the same once more changes nothing. Raises :class:`BadInput`."""
    async with engine.begin() as conn:
        return await returned.bring_back(conn, letters, actor=actor, now=now)


async def _found(conn: AsyncConnection, return_id: int) -> store.KeptReturn:
    found = await store.get(conn, return_id)
    if found is None:
        raise NotFound("return", return_id)
    return found
