"""Returns: what came back, and what a person makes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotFound
from notifier.model.returns import Outcome, Return, ReturnReason, Standing
from notifier.model.tracking import BounceReason, DeliveredLevel, Reading, ReturnKind
from notifier.printing import returned
from notifier.printing.returned import BroughtBack, Returned
from notifier.returns.judgement import Judgement, put_aside, take_as_said
from notifier.returns.reading import read
from notifier.returns.receiver import Mail, ReturnReceiver
from notifier.store import returns as store
from notifier.store import tracking

from .values import value_of

_SHOWN = 4_000  # characters of its text


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingEntry:
    """What was told about a message after it had left."""

    message_id: int
    return_id: int
    at: datetime
    kind: ReturnKind
    reason: BounceReason | None
    hard: bool | None
    level: DeliveredLevel | None
    status: str | None
    code: int | None
    reply: str | None  # the server's own words


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownReturn:
    """A return on record."""

    return_id: int
    received_at: datetime
    source: str
    kind: ReturnKind
    standing: Standing
    reason: ReturnReason | None
    message_id: int | None
    times: int  # that the same came
    size: int  # in bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDetail:
    """A return with what was read in it, and what is on record about its message."""

    known: KnownReturn
    reading: Reading
    entries: tuple[TrackingEntry, ...]
    text: str  # the beginning of its words


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCount:
    """How many returns stand somewhere for one reason."""

    standing: Standing
    reason: ReturnReason | None
    kind: ReturnKind
    count: int
    times: int  # that they came


async def find_returns(
    engine: AsyncEngine, *, standing: Standing | None, reason: ReturnReason | None, limit: int
) -> list[KnownReturn]:
    """Return the newest returns that match."""
    async with engine.connect() as conn:
        found = await store.search(conn, standing=standing, reason=reason, limit=limit)
    return [value_of(KnownReturn, r) for r in found]


async def count_returns(engine: AsyncEngine) -> list[ReturnCount]:
    """Return how many returns stand where, and why."""
    async with engine.connect() as conn:
        found = await store.counts(conn)
    return [value_of(ReturnCount, r, times=int(r.times)) for r in found]


async def show_return(engine: AsyncEngine, return_id: int) -> ReturnDetail:
    """Return one with all that is known of it. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await _found(conn, return_id)
        message_id = found.message_id
        entries = await tracking.of_message(conn, message_id) if message_id else ()
    return ReturnDetail(
        known=value_of(KnownReturn, found),
        reading=store.restored(found).reading,
        entries=tuple(value_of(TrackingEntry, r) for r in entries),
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
