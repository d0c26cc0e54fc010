"""The context of every act at the press: the record, who drafts letters, terms, and the folder."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.delivery.compose import Lost
from notifier.delivery.outcomes import hold
from notifier.model.actor import Actor
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotAllowed
from notifier.model.press import Press
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import batches, messages
from notifier.store.messages import Move

from .drafting import LetterDrafter

CHUNK: Final = 1_000  # letters in one statement
T = TypeVar("T")


def busy() -> NotAllowed:
    """Somebody else is at the press."""
    return NotAllowed("another batch is being collected or handed over", code="press_busy")


def in_state(batch: batches.Batch) -> NotAllowed:
    """A batch of this state permits no such act."""
    name, state = batch_name(batch.batch_id), BatchState(batch.state)
    return NotAllowed(f"batch {name} is {state}", code="batch_in_state", batch=name, state=state)


def not_as_recorded(path: Path) -> NotAllowed:
    """A file of a batch is missing, other, or too much."""
    text = f"{path} is not what is on record: cancel the batch"
    return NotAllowed(text, code="batch_differs", path=path)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintingContext:
    """The record, the drafter, the press's terms and the folder of all batches."""

    engine: AsyncEngine
    drafter: LetterDrafter
    press: Press
    folder: Path
    now: Callable[[], datetime]


def chunks(items: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Stretches of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def move_all(
    conn: AsyncConnection,
    ids: Iterable[int],
    before: State,
    after: State,
    reason: Reason,
    *,
    actor: Actor,
    now: datetime,
) -> list[int]:
    """Letters go on together; the ids of those that stood where they should."""
    moved: list[int] = []
    for some in chunks(sorted(ids)):
        asked = [
            Move(
                message_id=one,
                after=after,
                reason=reason,
                retry_at=now if after is State.QUEUED else None,
                only_from=(before,),
            )
            for one in some
        ]
        moved += await messages.move(conn, asked, actor=actor, now=now)
    return moved


async def hold_lost(
    context: PrintingContext, lost: Sequence[Lost], before: State, *, actor: Actor
) -> None:
    """Hold letters that are still in the state ``before``, with a task for each cause."""
    async with context.engine.begin() as conn:
        await hold(conn, lost, before, actor=actor, now=context.now())
