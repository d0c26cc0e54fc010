"""Isolation: one item that fails is found, put off for longer each time, and told to a person.

The others go on as if it were not there.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.task import TaskDraft, TaskKind

from . import put_off, tasks
from .failures import passes
from .put_off import Sweep

_log = get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """One sweep at work, in the transaction of whoever calls it."""

    sweep: Sweep
    actor: Actor
    now: datetime

    async def each(
        self,
        conn: AsyncConnection,
        items: Sequence[T],
        work: Callable[[Sequence[T]], Awaitable[object]],
        *,
        ids: Callable[[T], Sequence[int]],
        parts: Callable[[T], Sequence[T]] = lambda item: (item,),
    ) -> None:
        """Do ``work`` on all items in one go; where it breaks, on its halves, down to the one.

        ``ids``: of what an item consists of; ``parts``: what it can be cut into. Of one that breaks
        only the parts at fault are put off; the others are left for the next look. Raises what
        passes by itself: the database is away, or another transaction came first.
        """
        if not items:
            return
        try:
            async with conn.begin_nested():
                await work(items)
                await put_off.done(conn, self.sweep, [i for one in items for i in ids(one)])
        except Exception as problem:
            if passes(problem):
                raise
            if len(items) > 1:
                middle = len(items) // 2
                await self.each(conn, items[:middle], work, ids=ids, parts=parts)
                await self.each(conn, items[middle:], work, ids=ids, parts=parts)
                return
            cut = parts(items[0])
            tried = [await _tried(conn, part, work) for part in cut] if len(cut) > 1 else []
            bad = [(part, e) for part, e in zip(cut, tried, strict=False) if e is not None]
            for part, error in bad or [(items[0], problem)]:
                await self.put_off(conn, ids(part), error)

    async def put_off(self, conn: AsyncConnection, items: Sequence[int], error: Exception) -> None:
        """Try items later, and raise one task for all that fail for the same reason."""
        problem = type(error).__name__  # its text may quote the record
        for item in items:
            attempts = await put_off.note(conn, self.sweep, item, problem, now=self.now)
            about = {"sweep": str(self.sweep), "item": item, "problem": problem}
            _log.error("item put off", attempts=attempts, **about)
            if attempts == 1:
                key = f"{self.sweep}|{problem}"
                draft = TaskDraft(kind=TaskKind.ITEM_PUT_OFF, key=key, details=about)
                await tasks.raise_all(conn, [draft], actor=self.actor, now=self.now)


async def _tried(
    conn: AsyncConnection, item: T, work: Callable[[Sequence[T]], Awaitable[object]]
) -> Exception | None:
    """What an item alone breaks on; what it does is taken back."""
    trial = await conn.begin_nested()
    try:
        await work([item])
    except Exception as problem:
        if passes(problem):
            raise
        return problem
    finally:
        await trial.rollback()
    return None
