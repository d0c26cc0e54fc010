"""Events that cannot be decided: put off further each time, given up in the end, always a task."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import log, tasks, undecided

_log = get_logger(__name__)


class Broken(NamedTuple):
    """An event that our own rules break on, or that does not fit the record any more."""

    event_id: int
    type: str
    problem: str  # the name of an error, without its text


async def leave_undecided(
    conn: AsyncConnection, broken: Broken, *, actor: Actor, now: datetime
) -> None:
    """Keep an event undecided: when it is tried next is on record, and one task tells of its kind.

    The task counts events, not attempts; it is raised anew when one is given up and nobody has it.
    """
    attempts, again = await undecided.failed(conn, broken.event_id, broken.problem, now=now)
    _log.error(
        "event.undecided", event_id=broken.event_id, problem=broken.problem, attempts=attempts
    )
    given_up = again is None
    if given_up:
        entry = {"event_id": broken.event_id, "reason": "given_up"}
        await log.append(conn, "event", [entry], actor=actor, now=now)
    kind, key = TaskKind.UNDECIDED_EVENT, broken.type
    if attempts == 1 or (given_up and not await tasks.is_open(conn, kind, key)):
        details = {"event_id": broken.event_id, "type": broken.type}
        draft = TaskDraft(kind=kind, key=key, details=details)
        await tasks.raise_all(conn, [draft], actor=actor, now=now)
