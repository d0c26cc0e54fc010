"""What became of one event: decisions, messages, tasks, corrections."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.message import public_number
from notifier.model.outcome import (
    CausedMessage,
    DecidedOutcome,
    EventOutcome,
    EventStatus,
    RaisedTask,
    RejectedEntry,
    RejectedError,
)
from notifier.model.task import TaskKind
from notifier.store import outcomes
from notifier.store.db import loads

#: Tasks whose key may be the number of a message.
_ABOUT_MESSAGES: Final = (
    TaskKind.UNCERTAIN_MESSAGE,
    TaskKind.FAILED_MESSAGE,
    TaskKind.HELD_MESSAGE,
    TaskKind.POSTED_IN_VAIN,
    TaskKind.UNREACHED_MEMBER,
    TaskKind.COMPLAINT,
    TaskKind.MEMBER_REPLY,
    TaskKind.SUPPRESSED_ADDRESS,
)


async def outcome_of(engine: AsyncEngine, source: str, event_id: str) -> EventOutcome | None:
    """What became of an event; None of one that never came."""
    async with engine.connect() as conn:
        # One snapshot: an event that is being decided is told before or after, not half.
        await conn.execution_options(isolation_level="REPEATABLE READ")
        return await read_outcome(conn, source, event_id)


async def read_outcome(conn: AsyncConnection, source: str, event_id: str) -> EventOutcome | None:
    """The same in the caller's transaction, with what it has not committed yet."""
    found = await outcomes.event(conn, source, event_id)
    rejected = _rejected(await outcomes.rejected(conn, source, event_id))
    if found is None:
        status = EventStatus.REJECTED
        told = EventOutcome(source=source, id=event_id, status=status, rejected=rejected)
        return told if rejected else None
    number: int = found.event_id
    later = await outcomes.superseded_by(conn, source, event_id)
    decided = found.decided_at is not None
    return EventOutcome(
        source=source,
        id=event_id,
        status=EventStatus.DECIDED if decided else EventStatus.UNDECIDED,
        event_id=number,
        type=found.type,
        member_no=found.member_no,
        occurred_at=found.occurred_at,
        accepted_at=found.received_at,
        decided_at=found.decided_at,
        supersedes=found.supersedes,
        superseded_by=tuple(later),
        decisions=tuple(_decision(r) for r in await outcomes.decisions(conn, number)),
        messages=tuple(_message(r) for r in await outcomes.messages(conn, number)),
        tasks=tuple(_task(r) for r in await outcomes.tasks(conn, number, _ABOUT_MESSAGES)),
        rejected=rejected,
    )


def _decision(found: outcomes.Decision) -> DecidedOutcome:
    message_id = found.message_id
    return DecidedOutcome(
        outcome=found.outcome,
        reason=found.reason,
        notice=found.notice or None,
        message=None if message_id is None else public_number(message_id),
        details=loads(found.details),
        at=found.decided_at,
    )


def _message(found: outcomes.CausedMessage) -> CausedMessage:
    return CausedMessage(
        message=public_number(found.message_id),
        notice=found.notice,
        step=found.step,
        channel=found.channel,
        generation=found.generation,
        state=found.state,
        reason=found.reason,
        updated_at=found.updated_at,
        goes_at=found.goes_at,
    )


def _task(found: outcomes.RaisedTask) -> RaisedTask:
    return RaisedTask(
        task=found.task_id,
        kind=found.kind,
        state=found.state,
        created_at=found.created_at,
        due_at=found.due_at,
    )


def _rejected(found: Sequence[outcomes.RejectedEntry]) -> tuple[RejectedEntry, ...]:
    return tuple(
        RejectedEntry(
            received_at=r.received_at,
            errors=tuple(_error(e) for e in loads(r.errors)),
            replayed_at=r.replayed_at,
        )
        for r in found
    )


def _error(told: dict[str, Any]) -> RejectedError:
    return RejectedError(field=told["field"], code=told["code"], params=told.get("params", {}))
