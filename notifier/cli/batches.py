"""``notifier batches``: letters on their way to the press."""

import typer

from notifier.deliver.handover import hand_over as hand_over_batch
from notifier.deliver.handover import take_back as take_back_batch
from notifier.runtime.parts import Parts
from notifier.runtime.rendering import collector
from notifier.store import batches as store

from .session import Id, out, person, run
from .tables import show

app = typer.Typer(help="Batches of letters for the press.", no_args_is_help=True)


@app.command("collect")
def collect() -> None:
    """Write all letters that wait into a batch folder: PDFs, manifest, checksums."""

    async def work(parts: Parts) -> None:
        batch = await collector(parts).collect(actor=person())
        if batch is None:
            out.print("no letters wait")
            return
        out.print(f"{batch.folder}: {batch.pieces:,} letters, {batch.pages:,} pages")
        if batch.held:
            out.print(f"held: {batch.held:,} (notifier tasks list)")

    run(work)


@app.command("list")
def list_() -> None:
    """The newest batches."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.search(conn)
        names = ("batch_id", "state", "folder", "pieces", "pages", "created_at", "handed_over_at")
        show(names, [[str(r["batch_id"]), *(r[n] for n in names[1:])] for r in found])

    run(work)


@app.command("hand-over")
def hand_over(batch: Id) -> None:
    """The press has taken a batch."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        count = await hand_over_batch(parts.engine, batch, actor=person(), now=now)
        out.print(f"{count:,} letters handed over")

    run(work)


@app.command("take-back")
def take_back(batch: Id) -> None:
    """A batch comes to nothing; its letters are queued again."""

    async def work(parts: Parts) -> None:
        folder, now = parts.settings.var / "batches", parts.clock.now()
        count = await take_back_batch(parts.engine, folder, batch, actor=person(), now=now)
        out.print(f"{count:,} letters queued again")

    run(work)
