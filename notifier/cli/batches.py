"""``notifier batches``: letters on their way to the press."""

from typing import Annotated

import typer

from notifier.app.batches import BatchFile, BatchLine, find_batches, show_batch
from notifier.intake.press_file import read_acknowledgement
from notifier.model.batch import batch_name
from notifier.model.errors import FieldError
from notifier.printing import handover
from notifier.printing import withdraw as withdrawal
from notifier.printing.acknowledge import acknowledge as keep
from notifier.printing.collect import MOST
from notifier.runtime.long_work import begin, collect_letters
from notifier.runtime.parts import Parts
from notifier.runtime.pressing import press_room, target

from .faults import sentence
from .language import language, word
from .names import BatchId, File, MessageIds
from .output import emitted, err, say
from .session import person, run
from .tables import facts, show
from .verbs import Verbs

app = Verbs()
_COLUMNS = (
    "batch", "posting_day", "state", "pieces", "pages", "yen", "folder", "created_at",
    "handed_over_at",
)  # fmt: skip
_MORE = ("created_by", "handed_over_by", "target")


@app.command("collect")
def collect(
    most: Annotated[int, typer.Option(min=1, max=MOST)] = MOST,
    *,
    background: Annotated[bool, typer.Option("--background")] = False,
) -> None:
    """Bind all letters that wait into a batch: PDFs, manifest, counts, checksums."""
    if background:
        say("job_started", job=run(lambda parts: begin(parts, most=most, actor=person())))
        return
    batch = run(lambda parts: collect_letters(parts, most=most, actor=person()))
    if batch is None:
        say("no_letters")
        return
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
    """Print the newest batches."""
    show(_COLUMNS, run(lambda parts: find_batches(press_room(parts))), _line)


def _line(b: BatchLine) -> tuple[object, ...]:
    state, counts = word("batch", b.state), (b.pieces, b.pages, b.yen)
    ends = (b.folder, b.created_at, b.handed_over_at)
    return (batch_name(b.batch_id), b.posting_day, state, *counts, *ends)


@app.command("show")
def show_(batch: BatchId) -> None:
    """Print a batch: its files with their hashes, and where its letters stand."""
    found = run(lambda parts: show_batch(press_room(parts), batch))
    if emitted(found):
        return
    facts((*_COLUMNS[1:], *_MORE), found.batch, _facts, batch_name(batch))
    show(("file", "pieces", "pages", "bytes", "sha256"), found.files, _file)
    counts = [(word("state", state), n) for state, n in found.counts.items()]
    show(("letters", "count"), counts, tuple)


def _facts(b: BatchLine) -> tuple[object, ...]:
    return (*_line(b)[1:], b.created_by, b.handed_over_by, b.target)


def _file(f: BatchFile) -> tuple[object, ...]:
    return f.name, f.pieces, f.pages, f.size, f.sha256


@app.command("cancel")
def cancel(batch: BatchId, *, letters: Annotated[bool, typer.Option("--letters")] = False) -> None:
    """A batch comes to nothing before it is handed over; its letters are queued again."""
    count = run(
        lambda parts: withdrawal.cancel(press_room(parts), batch, for_good=letters, actor=person())
    )
    say("letters_cancelled" if letters else "letters_queued", count=count)


@app.command("withdraw")
def withdraw(batch: BatchId, messages: MessageIds) -> None:
    """Letters of a batch are not to be posted.

    Before the hand-over they are cancelled and taken out of the files; after it a list is written
    for the press.
    """
    done = run(
        lambda parts: withdrawal.withdraw(press_room(parts), batch, messages or (), actor=person())
    )
    if done.listing is None:
        say("letters_taken_out", count=done.taken_out)
    else:
        say("for_the_press", file=done.listing)


@app.command("hand-over")
def hand_over(batch: BatchId) -> None:
    """Give a batch to the press: into its folder or by SFTP; with neither it has fetched it."""

    async def work(parts: Parts) -> handover.HandedOver:
        where = target(parts.settings)
        return await handover.hand_over(press_room(parts), batch, where, actor=person())

    done = run(work)
    say("letters_handed_over", count=done.letters)
    if done.taken_out:
        say("letters_stopped", count=done.taken_out)


@app.command("settle")
def settle(batch: BatchId, *, taken: Annotated[bool, typer.Option("--taken/--not-taken")]) -> None:
    """Say whether the press has an uncertain batch; if not, its letters are queued again."""
    count = run(
        lambda parts: handover.resolve_uncertain(
            press_room(parts), batch, taken=taken, actor=person()
        )
    )
    say("letters_handed_over" if taken else "letters_queued", count=count)


@app.command("acknowledge")
def acknowledge(batch: BatchId, file: File) -> None:
    """Read back what the press says: which pieces were posted, when and under which numbers.

    Wrong rows are named by line, and the others count; the same file again changes nothing.
    """

    async def work(parts: Parts) -> list[FieldError]:
        lines, unread = read_acknowledgement(file.read_bytes())
        done = await keep(press_room(parts), batch, lines, actor=person())
        say(
            "batch_acknowledged",
            posted=done.posted,
            withdrawn=done.withdrawn,
            known=done.known,
            missing=done.missing,
        )
        return sorted((*unread, *done.wrong), key=lambda e: e.line or 0)

    wrong = run(work)
    for one in wrong:
        err.print(f"✗ {sentence(one, language())}")
    if wrong:
        raise typer.Exit(1)
