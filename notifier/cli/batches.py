"""``notifier batches``: letters on their way to the press."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from notifier.intake.press_file import read_acknowledgement
from notifier.model.batch import batch_name, batch_number
from notifier.model.errors import FieldError, NotFound
from notifier.model.message import message_number
from notifier.printing.acknowledge import acknowledge as keep
from notifier.printing.collect import MOST, Batch
from notifier.printing.handover import hand_over as hand_over_batch
from notifier.printing.handover import note_dead_handovers, resolve_uncertain
from notifier.printing.withdraw import cancel as cancel_batch
from notifier.printing.withdraw import withdraw as withdraw_pieces
from notifier.rendering.labels import label
from notifier.runtime.long_work import begin, collect_letters
from notifier.runtime.parts import Parts
from notifier.runtime.pressing import press_room, target
from notifier.store import batches as store
from notifier.store import pieces

from .session import err, person, run, say, sentence
from .tables import facts, show

app = typer.Typer(help="Batches of letters for the press.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="BATCH", help="Such as B000001.")]
_COLUMNS = (
    "posting_day", "state", "pieces", "pages", "yen", "folder", "created_at", "handed_over_at",
)  # fmt: skip


@app.command("collect")
def collect(
    most: Annotated[int, typer.Option(min=1, max=MOST, help="Letters at most.")] = MOST,
    background: Annotated[
        bool, typer.Option("--background", help="Leave it to a worker, and say its number.")
    ] = False,
) -> None:
    """Bind all letters that wait into a batch: PDFs, manifest, counts, checksums."""

    async def work(parts: Parts) -> None:
        if background:
            job = await begin(parts, most=most, actor=person())
            say("job_started", job=str(job))
            return
        batch = await collect_letters(parts, most=most, actor=person())
        if batch is None:
            say("no_letters")
            return
        _report(batch)

    run(work)


def _report(batch: Batch) -> None:
    say(
        "batch_collected",
        folder=batch.folder,
        letters=batch.pieces,
        pages=batch.pages,
        files=batch.files,
        yen=batch.yen,
        day=batch.posting_day,
    )
    if batch.held:
        say("batch_held", count=batch.held)
    if batch.unmapped:
        say("batch_unmapped", count=batch.unmapped)


@app.command("list")
def list_() -> None:
    """The newest batches."""

    async def work(parts: Parts) -> None:
        await note_dead_handovers(press_room(parts))
        async with parts.engine.connect() as conn:
            found = await store.search(conn)
        language = parts.settings.locale
        rows = [[batch_name(r.batch_id), *_values(r, _COLUMNS, language)] for r in found]
        show(("batch", *_COLUMNS), rows)

    run(work)


def _values(r: store.Batch, names: Iterable[str], language: str) -> list[object]:
    found = {name: getattr(r, name) for name in names}
    return [label(f"batch.{v}", language) if n == "state" else v for n, v in found.items()]


@app.command("show")
def show_(batch: Name) -> None:
    """One batch: its files with their hashes, and where its letters stand."""

    async def work(parts: Parts) -> None:
        batch_id = batch_number(batch)
        await note_dead_handovers(press_room(parts))
        async with parts.engine.connect() as conn:
            found = await store.get(conn, batch_id)
            if found is None:
                raise NotFound("batch", batch_name(batch_id))
            files = await pieces.files(conn, batch_id)
            counts = await pieces.counts(conn, batch_id)
        names = (*_COLUMNS, "created_by", "handed_over_by", "target")
        language = parts.settings.locale
        facts(zip(names, _values(found, names, language), strict=True), batch_name(batch_id))
        columns = ("file", "pieces", "pages", "bytes", "sha256")
        show(columns, [(f.name, f.pieces, f.pages, f.size, f.sha256.hex()) for f in files])
        show(("letters", "count"), [(label(f"state.{s}", language), n) for s, n in counts.items()])

    run(work)


@app.command("cancel")
def cancel(
    batch: Name,
    *,
    letters: Annotated[bool, typer.Option("--letters", help="Cancel its letters, too.")] = False,
) -> None:
    """A batch comes to nothing before it is handed over; its letters are queued again."""

    async def work(parts: Parts) -> None:
        batch_id = batch_number(batch)
        room = press_room(parts)
        count = await cancel_batch(room, batch_id, for_good=letters, actor=person())
        say("letters_cancelled" if letters else "letters_queued", count=count)

    run(work)


@app.command("withdraw")
def withdraw(
    batch: Name,
    messages: Annotated[list[str], typer.Argument(help="Numbers of letters.")],
) -> None:
    """Letters of a batch are not to be posted.

    Before the hand-over they are cancelled and taken out of the files; after it a list is written
    for the press.
    """

    async def work(parts: Parts) -> None:
        batch_id, ids = batch_number(batch), [message_number(m) for m in messages]
        done = await withdraw_pieces(press_room(parts), batch_id, ids, actor=person())
        if done.listing is None:
            say("letters_taken_out", count=done.taken_out)
        else:
            say("for_the_press", file=done.listing)

    run(work)


@app.command("hand-over")
def hand_over(batch: Name) -> None:
    """Give a batch to the press: into its folder or by SFTP; with neither it has fetched it."""

    async def work(parts: Parts) -> None:
        batch_id = batch_number(batch)
        where = target(parts.settings)
        done = await hand_over_batch(press_room(parts), batch_id, where, actor=person())
        say("letters_handed_over", count=done.letters)
        if done.taken_out:
            say("letters_stopped", count=done.taken_out)

    run(work)


@app.command("settle")
def settle(
    batch: Name,
    *,
    taken: Annotated[bool, typer.Option("--taken/--not-taken", help="Whether the press has it.")],
) -> None:
    """Say whether the press has an uncertain batch; if not, its letters are queued again."""

    async def work(parts: Parts) -> None:
        batch_id = batch_number(batch)
        count = await resolve_uncertain(press_room(parts), batch_id, taken=taken, actor=person())
        say("letters_handed_over" if taken else "letters_queued", count=count)

    run(work)


@app.command("acknowledge")
def acknowledge(
    batch: Name,
    file: Annotated[Path, typer.Argument(help="CSV of the press.", exists=True, dir_okay=False)],
) -> None:
    """Read back what the press says: which pieces were posted, when and under which numbers.

    Wrong rows are named by line, and the others count; the same file again changes nothing.
    """

    async def work(parts: Parts) -> tuple[FieldError, ...]:
        batch_id = batch_number(batch)
        lines, unread = read_acknowledgement(file.read_bytes())
        done = await keep(press_room(parts), batch_id, lines, actor=person())
        say(
            "batch_acknowledged",
            posted=done.posted,
            withdrawn=done.withdrawn,
            known=done.known,
            missing=done.missing,
        )
        wrong = sorted((*unread, *done.wrong), key=lambda e: e.line or 0)
        for one in wrong:
            err.print(f"✗ {sentence(one, parts.settings.locale)}")
        return tuple(wrong)

    if run(work):
        raise typer.Exit(1)
