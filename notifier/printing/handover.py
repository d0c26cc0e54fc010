"""Handing a printed batch to the press.

What was stopped since the collection is taken out first. The batch is brought over under a name
that nobody looks at and compared; only then the record says that the press may have it (from there
on no letter of it can be stopped), and then it gets its name. If that breaks off, nobody knows
whether the press has it: the batch is uncertain, and a person finds out.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.logs import get_logger
from notifier.model.actor import Actor, system
from notifier.model.batch import BatchState, batch_name
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.lines import lines_of
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import batches, pieces, tasks
from notifier.store.pieces import BatchFile

from .context import PrintingContext, busy, in_state, move_all, not_as_recorded
from .folder import clear
from .manifest import CHECKSUMS, MANIFEST
from .target import Parcel, Target, sums
from .withdraw import printed_batch, rebuild, stopped

log = get_logger(__name__)


class HandOverUncertain(Exception):
    """A hand-over broke off at the last step: the press may or may not have the batch."""

    retry = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What went to the press."""

    letters: int
    taken_out: int  # letters that were stopped since the batch was collected


async def hand_over(
    context: PrintingContext, batch_id: int, target: Target | None, *, actor: Actor
) -> HandedOver:
    """Give a batch to the press; without a ``target`` it has fetched it itself.

    Raises :class:`NotFound`, :class:`NotAllowed` (no printed batch, files that are not what is on
    record, somebody else at the press), :class:`HandOverFailed` (the press has nothing; try
    again) and :class:`HandOverUncertain`.
    """
    async with batches.at_the_press(context.engine) as free:
        if not free:
            raise busy()
        await note_broken_off(context)
        taken_out = await rebuild(context, batch_id)
        folder = await _checked(context, batch_id)
        name, label = batch_name(batch_id), target.label if target else ""
        parcel = target.parcel(folder, name) if target else _fetched()
        async with parcel as ready:
            letters = await _permit(context, batch_id, label, actor)
            await _publish(context, batch_id, ready, actor)
        return HandedOver(letters=letters, taken_out=taken_out)


class _Fetched:
    async def publish(self) -> None:
        """The press has been here."""


@asynccontextmanager
async def _fetched() -> AsyncIterator[Parcel]:
    yield _Fetched()


async def _checked(context: PrintingContext, batch_id: int) -> Path:
    """The folder of a batch, if it is what is on record."""
    async with context.engine.begin() as conn:
        batch = await printed_batch(conn, batch_id)
        files = await pieces.files(conn, batch_id)
    folder: Path = context.folder / batch.folder
    problem = await asyncio.to_thread(_difference, folder, files, batch.manifest_sha256)
    if problem:
        raise not_as_recorded(folder / problem)
    return folder


def _difference(folder: Path, files: list[BatchFile], manifest_sha256: bytes) -> str:
    """The name of what is missing, other or too much."""
    if not (folder / CHECKSUMS).is_file():
        return CHECKSUMS
    lines = lines_of((folder / CHECKSUMS).read_text())
    listed = {line[66:]: line[:64] for line in lines}
    wanted = {f.name: f.sha256.hex() for f in files} | {MANIFEST: manifest_sha256.hex()}
    own = hashlib.sha256((folder / CHECKSUMS).read_bytes()).hexdigest()
    found = sums(folder)
    other = (listed | wanted | {CHECKSUMS: own}).items() ^ found.items()
    return min((name for name, _ in other), default="")


async def _permit(context: PrintingContext, batch_id: int, label: str, actor: Actor) -> int:
    """From now on the press may have the batch; how many letters."""
    now = context.now()
    async with context.engine.begin() as conn:
        await printed_batch(conn, batch_id)
        found = await pieces.of_batch(conn, batch_id, lock=True)
        if stopped(found):
            raise _stopped_meanwhile()
        await batches.hand_over(conn, batch_id, target=label, actor=actor, now=now)
        ids = [p.message_id for p in found]
        moved = await move_all(
            conn, ids, State.PRINTED, State.HANDED_OVER, Reason.HANDED_OVER, actor=actor, now=now
        )
        if len(moved) != len(ids):
            raise _stopped_meanwhile()
        return len(moved)


def _stopped_meanwhile() -> NotAllowed:
    text = "letters were stopped at this very moment; hand over once more"
    return NotAllowed(text, code="letters_stopped")


async def _publish(context: PrintingContext, batch_id: int, parcel: Parcel, actor: Actor) -> None:
    name = batch_name(batch_id)
    try:
        await parcel.publish()
    except BaseException as error:
        async with context.engine.begin() as conn:
            await _uncertain(conn, context, batch_id, actor)
        log.warning("hand-over broke off", batch=batch_id, error=type(error).__name__)
        if isinstance(error, Exception):
            text = (
                f"{name}: nobody knows whether the press has it ({type(error).__name__}: {error})"
            )
            raise HandOverUncertain(text) from error
        raise
    async with context.engine.begin() as conn:
        # Should this process have been taken for dead meanwhile, it knows better.
        await _arrived(conn, context, batch_id, Reason.HANDED_OVER, actor)


async def _uncertain(
    conn: AsyncConnection, context: PrintingContext, batch_id: int, actor: Actor
) -> None:
    now = context.now()
    if not await batches.move(conn, batch_id, BatchState.UNCERTAIN, BatchState.HANDING_OVER):
        return
    letters = await _letters(conn, batch_id)
    await move_all(
        conn,
        letters,
        State.HANDED_OVER,
        State.UNCERTAIN,
        Reason.HANDOVER_BROKEN,
        actor=actor,
        now=now,
    )
    details = {"batch": batch_name(batch_id), "letters": len(letters)}
    draft = TaskDraft(kind=TaskKind.UNCERTAIN_BATCH, key=batch_name(batch_id), details=details)
    await tasks.raise_all(conn, [draft], actor=actor, now=now)


async def _arrived(
    conn: AsyncConnection, context: PrintingContext, batch_id: int, reason: Reason, actor: Actor
) -> int:
    before = (BatchState.HANDING_OVER, BatchState.UNCERTAIN)
    await batches.move(conn, batch_id, BatchState.HANDED_OVER, *before)
    letters = await _letters(conn, batch_id)
    await move_all(
        conn, letters, State.UNCERTAIN, State.HANDED_OVER, reason, actor=actor, now=context.now()
    )
    return len(letters)


async def _letters(conn: AsyncConnection, batch_id: int) -> list[int]:
    found = await pieces.of_batch(conn, batch_id, lock=True)
    return [p.message_id for p in found if p.its_own]


async def note_broken_off(context: PrintingContext) -> int:
    """Hand-overs whose process died are uncertain from now on; how many. Hold the press."""
    actor = system("press")
    async with context.engine.begin() as conn:
        left = await batches.broken_off(conn, BatchState.HANDING_OVER)
        for batch_id in left:
            await _uncertain(conn, context, batch_id, actor)
            log.warning("hand-over was left", batch=batch_id)
    return len(left)


async def note_dead_handovers(context: PrintingContext) -> int:
    """What deaths bring to printing: safe to run in every process, at any time."""
    async with context.engine.connect() as conn:
        if not await batches.some_handed_over_now(conn):
            return 0  # the press is left to those who need it
    async with batches.at_the_press(context.engine) as free:
        return await note_broken_off(context) if free else 0


async def resolve_uncertain(
    context: PrintingContext, batch_id: int, *, taken: bool, actor: Actor
) -> int:
    """A person has found out whether the press has an uncertain batch; how many letters.

    If it has not, the batch comes to nothing and its letters are queued again. Raises
    :class:`NotFound` and :class:`NotAllowed`.
    """
    await note_dead_handovers(context)
    now = context.now()
    async with context.engine.begin() as conn:
        batch = await batches.get(conn, batch_id, lock=True)
        if batch is None:
            raise NotFound("batch", batch_name(batch_id))
        if batch.state != BatchState.UNCERTAIN:
            raise in_state(batch)
        if taken:
            return await _arrived(conn, context, batch_id, Reason.HANDOVER_SETTLED, actor)
        await batches.move(conn, batch_id, BatchState.CANCELLED, BatchState.UNCERTAIN)
        queued = await move_all(
            conn,
            await _letters(conn, batch_id),
            State.UNCERTAIN,
            State.QUEUED,
            Reason.HANDOVER_SETTLED,
            actor=actor,
            now=now,
        )
    await asyncio.to_thread(clear, context.folder / batch.folder)
    return len(queued)
