"""``notifier rejected``: entries of the intake stream that could not be accepted."""

from typing import Annotated

import typer

from notifier.app import rejected as entries
from notifier.app.rejected import replay as replay_entry
from notifier.intake.characters import printable
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import rejected as store
from notifier.store.db import loads

from .session import Id, out, person, run, say
from .tables import cell, show

app = typer.Typer(help="Rejected entries of the intake stream.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """What waits to be replayed, and why it was rejected."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.pending(conn, 200)
        lines = [
            (str(r.entry_id), r.received_at, r.origin, e["field"], _why(e, parts))
            for r in found
            for e in loads(r.errors)
        ]
        show(("entry", "received", "stream", "field", "reason"), lines)

    run(work)


def _why(error: dict[str, object], parts: Parts) -> str:
    params = error["params"]
    assert isinstance(params, dict)
    return label(f"error.{error['code']}", parts.settings.locale, **params)


@app.command("show")
def show_(entry: Id) -> None:
    """One entry: what is wrong with it, what became of it, and its words as received.

    A card number in them was masked before they were kept.
    """

    async def work(parts: Parts) -> None:
        found, language = await entries.show(parts.engine, entry), parts.settings.locale
        out.print(f"{found.origin} {found.origin_id}, {cell(found.received_at)}", highlight=False)
        for error in found.errors:
            out.print(f"{error['field']}: {_why(error, parts)}", highlight=False)
        settled = (
            ("replayed", found.replayed_at, found.replayed_by, ""),
            ("discarded", found.discarded_at, found.discarded_by, found.discard_reason),
        )
        for what, at, who, why in settled:
            if at is not None:
                said = label(f"cli.rejected_{what}", language, at=cell(at), who=who, why=why)
                out.print(printable(said), highlight=False)
        if found.masked:
            out.print(label("cli.rejected_masked", language), highlight=False)
        for line in found.payload.decode("utf-8", "replace").split("\n"):
            out.print(printable(line), highlight=False)

    run(work)


@app.command("discard")
def discard(
    entry: Annotated[list[int], typer.Argument(min=1, max=10**15)],
    reason: Annotated[str, typer.Option(help="Why they need not go in.", prompt=True)],
) -> None:
    """Say of entries that they need not go in, and why: all of those named or none."""

    async def work(parts: Parts) -> None:
        now = parts.clock.now()
        await entries.discard(parts.engine, entry, reason, actor=person(), now=now)

    run(work)


@app.command("replay")
def replay(entry: Id) -> None:
    """Take an entry in after all, once what was in its way is gone."""

    async def work(parts: Parts) -> None:
        receipt = await replay_entry(
            parts.engine,
            parts.acceptor,
            entry,
            source=parts.settings.intake_source,
            actor=person(),
            now=parts.clock.now(),
        )
        say("event_accepted", source=receipt.source, id=receipt.id)

    run(work)
