"""``notifier schemes``: registered fees and brands."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.app.release import recheck
from notifier.intake.scheme_file import read_scheme
from notifier.model.scheme import Fee
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import log
from notifier.store import schemes as store

from .session import person, run, say
from .tables import show

app = typer.Typer(
    help="制度: registered fees and what members see of a scheme.", no_args_is_help=True
)
File = Annotated[Path, typer.Argument(help="TOML file of one scheme.", exists=True, dir_okay=False)]


@app.command("import")
def import_(file: File) -> None:
    """Register a scheme as the file says. What the file no longer has is withdrawn."""

    async def work(parts: Parts) -> None:
        scheme = read_scheme(file.read_bytes())
        async with parts.engine.begin() as conn:
            now = parts.clock.now()
            await store.save(conn, scheme, actor=person(), now=now)
            entry = {"reason": f"saved:{scheme.scheme}"}
            await log.append(conn, "scheme", [entry], actor=person(), now=now)
            house = await parts.house(conn)
            held = await recheck(conn, scheme.scheme, house, actor=person(), now=now)
        say(
            "scheme_saved",
            scheme=scheme.scheme,
            fees=len(scheme.fees),
            brands=len(scheme.brands),
        )
        if held:
            say("held_by_scheme", count=held)

    run(work, creates=True)


@app.command("list")
def list_() -> None:
    """All schemes with the fees in force."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.all_of(conn)
        lines = [
            (s.scheme, s.name, s.group_no, _kind(f, parts), f.yen, f.valid_from, f.valid_to)
            for s in found.values()
            for f in s.fees
        ]
        show(("scheme", "name", "group_no", "kind", "yen", "valid_from", "valid_to"), lines)

    run(work)


def _kind(fee: Fee, parts: Parts) -> str:
    return label(f"line.{fee.kind}", parts.settings.locale)
