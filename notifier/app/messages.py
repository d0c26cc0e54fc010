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
from notifier.model.message import Attempt, Cause, LogEntry, MessageLine, Origin, public_number
from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.model.tracking import TrackingEntry
from notifier.rendering.writer import Writer
from notifier.rules.waiting import Obstacle, Waiting, waiting
from notifier.store import attempts, events, log, resends, tasks, tracking, workers
from notifier.store import messages as store

from .lookups import require_member, require_notice, require_scheme


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
class Wait:
    """What a message waits for, and the open tasks that say more."""

    what: Waiting
    tasks: tuple[int, ...] = ()


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
        return await store.search(
            conn,
            state=wanted.state,
            reason=wanted.reason,
            notice=wanted.notice,
            channel=wanted.channel,
            member_no=wanted.member_no,
            scheme=wanted.scheme,
            limit=limit,
        )


async def show_message(
    engine: AsyncEngine, acceptor: Acceptor, message_id: int, *, now: datetime
) -> Message:
    """Return a message with its causes, timeline and attempts. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await known_message(conn, message_id)
        details = [r.details for r in await events.decisions_of(conn, message_id)]
        house = await acceptor.house(conn)
        return Message(
            message_id=message_id,
            member_no=found.member_no,
            login=found.login,
            matter=found.matter,
            notice=found.notice,
            step=found.step,
            channel=found.channel,
            state=found.state,
            reason=Reason(found.reason),
            in_place_of=found.in_place_of,
            shown=tuple(found.shown),
            wait=await what_it_waits_for(conn, found, house, now=now),
            causes=tuple(await events.causes_of(conn, message_id)),
            contradictions=tuple(c for d in details for c in d.get("contradictions", ())),
            origin=await resends.of_message(conn, message_id),
            log=tuple(await log.of_message(conn, message_id)),
            attempts=tuple(await attempts.of_message(conn, message_id)),
            returns=tuple(await tracking.of_message(conn, message_id)),
        )


async def bytes_of_message(
    engine: AsyncEngine, writer: Writer, message_id: int, attempt_id: int | None = None
) -> bytes:
    """Return the exact bytes of an attempt, or of the last: a mail as in DATA, a letter's PDF.

    Raises :class:`NotFound`.
    """
    async with engine.connect() as conn:
        await known_message(conn, message_id)
        tried = await attempts.digests(conn, message_id)
        wanted = attempt_id if attempt_id is not None else max(tried, default=0)
        body = None
        if wanted in tried:
            body = await document_again(conn, wanted, tried[wanted], writer)
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
