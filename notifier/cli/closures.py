"""``notifier closures``: the association's own closed days."""

from pathlib import Path
from typing import Annotated

import typer

from notifier.intake.closure_file import closure, read_closures
from notifier.model.errors import NotFound
from notifier.rules.calendar import japan_date
from notifier.runtime.parts import Parts
from notifier.store import closures as store
from notifier.store import schemes

from .session import Id, person, run, say
from .tables import show

app = typer.Typer(help="休業日: days on which the association is closed.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(help="CSV: UTF-8 or CP932.", exists=True, dir_okay=False)]
_All = Annotated[bool, typer.Option("--all", help="Also those that are over.")]


@app.command("list")
def list_(all_: _All = False) -> None:
    """Closed days in force; weekends, holidays and bank days are closed without being named."""

    async def work(parts: Parts) -> None:
        since = None if all_ else japan_date(parts.clock.now())
        async with parts.engine.connect() as conn:
            found = await store.in_force(conn, since=since)
        lines = [(str(r.closure_id), r.first_day, r.last_day, r.name, r.scheme) for r in found]
        show(("closure", "first_day", "last_day", "name", "scheme"), lines)

    run(work)


@app.command("add")
def add(
    first: Annotated[str, typer.Argument(help="The first day, such as 2025-08-13.")],
    last: Annotated[str, typer.Argument(help="The last day; left out: one day.")] = "",
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    scheme: Annotated[str, typer.Option(help="Of one scheme only.")] = "",
) -> None:
    """Register a stretch of closed days."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            known = await schemes.all_of(conn)
            one = closure(known, first=first, last=last, name=name, scheme=scheme)
            new = await store.add(conn, [one], actor=person(), now=parts.clock.now())
        say("closure_added" if new else "closure_known")

    run(work)


@app.command("remove")
def remove(number: Id) -> None:
    """Take a stretch back; it stays on record as withdrawn."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            if not await store.remove(conn, number, actor=person(), now=parts.clock.now()):
                raise NotFound("closure", number)

    run(work)


@app.command("import")
def import_(file: File) -> None:
    """Register the closed days of a file. With one bad row nothing is registered."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            given = read_closures(file.read_bytes(), await schemes.all_of(conn))
            new = await store.add(conn, given, actor=person(), now=parts.clock.now())
        say("closures_imported", count=len(given), new=new)

    run(work)
