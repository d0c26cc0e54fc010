"""``notifier rejected``: entries of the intake stream that could not be accepted."""

import typer

from notifier.intake.replay import replay as replay_entry
from notifier.runtime.parts import Parts
from notifier.store import rejected as store
from notifier.store.db import loads
from notifier.write.labels import label

from .session import Id, person, run, say
from .tables import show

app = typer.Typer(help="Rejected entries of the intake stream.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """What waits to be replayed, and why it was rejected."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.pending(conn, 200)
        lines = [
            (str(r["entry_id"]), r["received_at"], r["origin"], e["field"], _why(e, parts))
            for r in found
            for e in loads(r["errors"])
        ]
        show(("entry", "received", "stream", "field", "reason"), lines)

    run(work)


def _why(error: dict[str, object], parts: Parts) -> str:
    params = error["params"]
    assert isinstance(params, dict)
    return label(f"error.{error['code']}", parts.settings.locale, **params)


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
