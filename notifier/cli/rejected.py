"""``notifier rejected``: entries of the intake stream that could not be accepted."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from notifier.app import rejected
from notifier.model.characters import printable

from .output import emitted, emitted_all, out, phrase, say
from .session import Id, acting, run
from .tables import cell, show
from .verbs import Verbs

app = Verbs()
_LIST = ("entry", "received", "stream", "field", "reason")


@app.command("list")
def list_() -> None:
    """Print what waits to be replayed, and why it was rejected."""
    found = run(lambda parts: rejected.pending(parts.engine))
    if not emitted_all(found):
        lines = [
            (str(r.entry_id), r.received_at, r.origin, e["field"], _why(e))
            for r in found
            for e in r.errors
        ]
        show(_LIST, lines, tuple)


def _why(error: Mapping[str, Any]) -> str:
    return phrase(f"error.{error['code']}", **error["params"])


@app.command("show")
def show_(entry: Id) -> None:
    """Print an entry: what is wrong with it, what became of it, and its words as received.

    A card number in them was masked before they were kept.
    """
    found = run(lambda parts: rejected.show(parts.engine, entry))
    if emitted(found):
        return
    out.print(f"{found.origin} {found.origin_id}, {cell(found.received_at)}", highlight=False)
    for error in found.errors:
        out.print(f"{error['field']}: {_why(error)}", highlight=False)
    settled = (
        ("replayed", found.replayed_at, found.replayed_by, ""),
        ("discarded", found.discarded_at, found.discarded_by, found.discard_reason),
    )
    for what, at, who, why in settled:
        if at is not None:
            said = phrase(f"cli.rejected_{what}", at=cell(at), who=who, why=why)
            out.print(printable(said), highlight=False)
    if found.masked:
        out.print(phrase("cli.rejected_masked"), highlight=False)
    for line in found.payload.decode("utf-8", "replace").split("\n"):
        out.print(printable(line), highlight=False)


@app.command("discard")
def discard(
    entry: Annotated[list[int], typer.Argument(min=1, max=10**15)],
    reason: Annotated[str, typer.Option(prompt=True)],
) -> None:
    """Say of entries that they need not go in, and why: all of those named or none."""
    run(lambda parts: rejected.discard(parts.engine, entry, reason, **acting(parts)))


@app.command("replay")
def replay(entry: Id) -> None:
    """Take an entry in after all, once what was in its way is gone."""
    receipt = run(
        lambda parts: rejected.replay(
            parts.engine,
            parts.acceptor,
            entry,
            source=parts.settings.intake_source,
            **acting(parts),
        )
    )
    say("event_accepted", source=receipt.source, id=receipt.id)
