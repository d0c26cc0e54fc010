"""Messages: finding them, and what those wait for that have not gone out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.rule_context import RuleContext as House
from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rules.waiting import Obstacle, Waiting, waiting
from notifier.store import messages as store
from notifier.store import tasks, workers

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


async def find_messages(
    engine: AsyncEngine, notices: Mapping[str, Notice], wanted: MessageFilter, *, limit: int
) -> Sequence[store.ListedMessage]:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a message waits for, and the open tasks that say more."""

    what: Waiting
    tasks: tuple[int, ...] = ()


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
