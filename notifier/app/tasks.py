"""Tasks: what people must do, the messages that wait for it, and the end of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.task import TaskKind
from notifier.store import tasks as store
from notifier.store.db import loads

from .values import value_of

_NAMED = 5  # messages that a refusal names


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as people see it."""

    task_id: int
    kind: TaskKind
    state: str
    owner: str
    count: int  # how often its cause was seen
    held: int  # messages that wait for it
    due_at: datetime
    details: Mapping[str, Any]
    note: str
    done_by: str
    is_late: bool = False  # open after it was due


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldMessage:
    """A message that is held until a task is seen to."""

    message_id: int
    member_no: str
    since: datetime


async def find_tasks(
    engine: AsyncEngine, *, state: str | None, limit: int, now: datetime
) -> list[Task]:
    """Return the tasks in a state, or in any; those that are due first come first."""
    async with engine.connect() as conn:
        found = [_task(r) for r in await store.search(conn, state=state, limit=limit)]
    return [replace(t, is_late=t.state == "open" and t.due_at < now) for t in found]


async def show_task(engine: AsyncEngine, task_id: int) -> tuple[Task, list[HeldMessage]]:
    """Return a task and the messages that wait for it. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await _known(conn, task_id)
        held = await store.held_for(conn, task_id)
    return _task(found), [_held(r) for r in held]


async def take_task(
    engine: AsyncEngine, task_id: int, owner: str, *, actor: Actor, now: datetime
) -> None:
    """Give an open task an owner. Raises :class:`NotFound` and :class:`NotAllowed`."""
    async with engine.begin() as conn:
        found = await _known(conn, task_id)
        if not await store.take(conn, task_id, owner, actor=actor, now=now):
            raise _closed(found)


async def finish_task(
    engine: AsyncEngine, task_id: int, note: str, *, actor: Actor, now: datetime
) -> None:
    """Close a task with what was done.

    Raises :class:`NotFound`, and :class:`NotAllowed` for one that is closed or that messages still
    wait for: they would stand in no list any more.
    """
    async with engine.begin() as conn:
        found = await _known(conn, task_id)
        held = await store.held_for(conn, task_id, limit=_NAMED + 1)
        if held and found.state in ("open", "waiting"):
            raise _waited_for(task_id, held)
        if not await store.finish(conn, task_id, actor=actor, note=note, now=now):
            raise _closed(found)


async def _known(conn: AsyncConnection, task_id: int) -> store.TaskRecord:
    found = await store.get(conn, task_id)
    if found is None:
        raise NotFound("task", task_id)
    return found


def _waited_for(task_id: int, held: Sequence[store.HeldMessage]) -> NotAllowed:
    named = ", ".join(public_number(r.message_id) for r in held[:_NAMED])
    more = " …" if len(held) > _NAMED else ""
    return NotAllowed(
        f"messages are held for task {task_id}: {named}{more}",
        code="task_waited_for",
        task=task_id,
        messages=named + more,
    )


def _closed(found: store.TaskRecord) -> NotAllowed:
    return NotAllowed(
        f"task {found.task_id} is closed already",
        code="task_closed",
        task=found.task_id,
        by=found.done_by or "",
    )


def _task(r: store.TaskRecord) -> Task:
    return value_of(
        Task, r, details=loads(r.details), is_late=False, note=r.note or "", done_by=r.done_by or ""
    )


def _held(r: store.HeldMessage) -> HeldMessage:
    return HeldMessage(message_id=r.message_id, member_no=r.member_no or "", since=r.created_at)
