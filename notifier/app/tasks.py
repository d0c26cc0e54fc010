"""Tasks: what people must do, the messages that wait for it, and the end of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.message import public_number
from notifier.model.task import HeldMessage, Task
from notifier.store import tasks as store

_NAMED = 5  # messages that a refusal names


async def find_tasks(
    engine: AsyncEngine, *, state: str | None, limit: int, now: datetime
) -> list[Task]:
    """Return the tasks in a state, or in any; those that are due first come first."""
    async with engine.connect() as conn:
        return await store.search(conn, state=state, limit=limit, now=now)


async def show_task(
    engine: AsyncEngine, task_id: int, *, now: datetime
) -> tuple[Task, list[HeldMessage]]:
    """Return a task and the messages that wait for it. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await _known(conn, task_id, now)
        return found, await store.held_for(conn, task_id)


async def take_task(
    engine: AsyncEngine, task_id: int, owner: str, *, actor: Actor, now: datetime
) -> None:
    """Give an open task an owner. Raises :class:`NotFound` and :class:`NotAllowed`."""
    async with engine.begin() as conn:
        found = await _known(conn, task_id, now)
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
        found = await _known(conn, task_id, now)
        held = await store.held_for(conn, task_id, limit=_NAMED + 1)
        if held and found.state in ("open", "waiting"):
            raise _waited_for(task_id, held)
        if not await store.finish(conn, task_id, actor=actor, note=note, now=now):
            raise _closed(found)


async def _known(conn: AsyncConnection, task_id: int, now: datetime) -> Task:
    found = await store.get(conn, task_id, now=now)
    if found is None:
        raise NotFound("task", task_id)
    return found


def _waited_for(task_id: int, held: Sequence[HeldMessage]) -> NotAllowed:
    named = ", ".join(public_number(r.message_id) for r in held[:_NAMED])
    more = " …" if len(held) > _NAMED else ""
    return NotAllowed(
        f"messages are held for task {task_id}: {named}{more}",
        code="task_waited_for",
        task=task_id,
        messages=named + more,
    )


def _closed(found: Task) -> NotAllowed:
    return NotAllowed(
        f"task {found.task_id} is closed already",
        code="task_closed",
        task=found.task_id,
        by=found.done_by,
    )
