"""Messages: finding them, and all that is on record of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.rule_context import RuleContext as House
from notifier.archive.letters import document_again
from notifier.model.errors import NotFound
from notifier.model.message import public_number
from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rendering.writer import Writer
from notifier.rules.waiting import Obstacle, Waiting, waiting
from notifier.store import attempts, events, log, resends, tasks, tracking, workers
from notifier.store import messages as store
from notifier.store.db import loads

from .lookups import require_member, require_notice, require_scheme
from .returns import TrackingEntry
from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages are wanted; None: any."""

    state: State | None = None
    reason: Reason | None = None
    notice: str | None = None
    channel: Channel | None = None
    member_no: str | None = None
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLine:
    """A message in a list. Its reader is a member, one of the staff, or that of a report."""

    message_id: int
    member_no: str | None
    login: str | None
    report: str | None
    notice: str
    step: str
    channel: Channel
    state: State
    reason: Reason
    created_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a message waits for, and the open tasks that say more."""

    what: Waiting
    tasks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """An event that caused a message."""

    event_id: int
    type: str
    source: str
    id: str
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """What came about with a message, when, why, and by whom."""

    at: datetime
    kind: str
    after: str | None
    reason: str | None
    actor: str
    attempt_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try to hand a message over, with the relay's own words."""

    attempt_id: int
    number: int
    relay: str
    tls: str | None
    outcome: str | None  # None: it has begun
    command: str | None
    code: int | None
    enhanced: str | None
    reply: str | None
    size: int | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Of which message one is a copy, who asked for it, and why."""

    resend_of: int
    requested_by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """All that is on record of a message, but for contact data."""

    message_id: int
    member_no: str | None
    login: str | None
    matter: str | None
    notice: str
    step: str
    channel: Channel
    state: State
    reason: Reason
    in_place_of: int | None
    shown: tuple[Mapping[str, Any], ...]  # amounts: role, name, yen
    wait: Wait | None
    causes: tuple[Cause, ...]
    contradictions: tuple[Mapping[str, Any], ...]  # what, expected, observed
    origin: Origin | None
    log: tuple[LogEntry, ...]
    attempts: tuple[Attempt, ...]
    returns: tuple[TrackingEntry, ...]


async def find_messages(
    engine: AsyncEngine, notices: Mapping[str, Notice], wanted: MessageFilter, *, limit: int
) -> list[MessageLine]:
    """Return the newest messages that match.

    Raises :class:`NotFound` for a member, notice or scheme that there is none of: an empty answer
    to a misspelt question would look like a fact.
    """
    if wanted.notice is not None:
        require_notice(notices, wanted.notice)
    async with engine.connect() as conn:
        if wanted.scheme is not None:
            await require_scheme(conn, wanted.scheme)
        if wanted.member_no is not None:
            await require_member(conn, wanted.member_no)
        found = await store.search(
            conn,
            state=wanted.state,
            reason=wanted.reason,
            notice=wanted.notice,
            channel=wanted.channel,
            member_no=wanted.member_no,
            scheme=wanted.scheme,
            limit=limit,
        )
    return [value_of(MessageLine, r) for r in found]


async def show_message(
    engine: AsyncEngine, acceptor: Acceptor, message_id: int, *, now: datetime
) -> Message:
    """Return a message with its causes, timeline and attempts. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await known_message(conn, message_id)
        origin = await resends.of_message(conn, message_id)
        decisions = await events.decisions_of(conn, message_id)
        details = [loads(r.details) for r in decisions]
        house = await acceptor.house(conn)
        return value_of(
            Message,
            found,
            shown=tuple(loads(found.shown)),
            wait=await what_it_waits_for(conn, found, house, now=now),
            causes=tuple(value_of(Cause, r) for r in await events.causes_of(conn, message_id)),
            contradictions=tuple(c for d in details for c in d.get("contradictions", ())),
            origin=value_of(Origin, origin) if origin is not None else None,
            log=tuple(value_of(LogEntry, r) for r in await log.of_message(conn, message_id)),
            attempts=tuple(
                value_of(Attempt, r) for r in await attempts.of_message(conn, message_id)
            ),
            returns=tuple(
                value_of(TrackingEntry, r) for r in await tracking.of_message(conn, message_id)
            ),
        )


async def bytes_of_message(
    engine: AsyncEngine, writer: Writer, message_id: int, attempt_id: int | None = None
) -> bytes:
    """Return the exact bytes of an attempt, or of the last: a mail as in DATA, a letter's PDF.

    Raises :class:`NotFound`.
    """
    async with engine.connect() as conn:
        await known_message(conn, message_id)
        tried = {r.attempt_id: r for r in await attempts.of_message(conn, message_id)}
        wanted = attempt_id if attempt_id is not None else max(tried, default=0)
        body = None
        if wanted in tried:
            digest = tried[wanted].template_digest
            body = await document_again(conn, wanted, digest, writer)
    if body is None:
        raise NotFound("document of message", public_number(message_id))
    return body


async def known_message(conn: AsyncConnection, message_id: int) -> store.MessageRecord:
    """Return a message's row. Raises :class:`NotFound`."""
    found = await store.get(conn, message_id)
    if found is None:
        raise NotFound("message", public_number(message_id))
    return found


async def what_it_waits_for(
    conn: AsyncConnection, message: store.MessageRecord, house: House, *, now: datetime
) -> Wait | None:
    """Return what a message waits for, and until when; None where it waits for nothing."""
    what = waiting(
        State(message.state),
        Reason(message.reason),
        Channel(message.channel),
        message.next_attempt_at,
        now=now,
        calendar=house.calendar(message.scheme or ""),
        workers=await workers.any_at_work(conn),
    )
    if what is None:
        return None
    held = what.obstacle is Obstacle.PERSON
    about = await tasks.about_message(conn, message.message_id) if held else ()
    return Wait(what=what, tasks=tuple(about))
