"""``notifier closures``: the association's own closed days."""

from datetime import date
from typing import Annotated

import typer

from notifier.app.closures import (
    Stretch,
    add_closure,
    find_closures,
    import_closures,
    remove_closure,
)
from notifier.rules.calendar import japan_date
from notifier.runtime.parts import Parts

from .names import All, File
from .output import say
from .session import Id, acting, run
from .tables import show
from .verbs import Verbs

app = Verbs()
_LIST = ("closure", "first_day", "last_day", "name", "scheme")


@app.command("list")
def list_(all_: All = False) -> None:
    """Print closed days in force; weekends, holidays and bank days are closed without a name."""

    def since(parts: Parts) -> date | None:
        return None if all_ else japan_date(parts.clock.now())

    found = run(lambda parts: find_closures(parts.engine, since=since(parts)))
    show(_LIST, found, lambda c: (str(c.closure_id), c.first_day, c.last_day, c.name, c.scheme))


@app.command("add")
def add(
    first: str,
    last: Annotated[str, typer.Argument()] = "",
    name: str = "",
    scheme: str = "",
) -> None:
    """Register a stretch of closed days."""
    stretch = Stretch(first=first, last=last, name=name, scheme=scheme)
    new = run(lambda parts: add_closure(parts.engine, stretch, **acting(parts)))
    say("closure_added" if new else "closure_known")


@app.command("remove")
def remove(number: Id) -> None:
    """Take a stretch back; it stays on record as withdrawn."""
    run(lambda parts: remove_closure(parts.engine, number, **acting(parts)))


@app.command("import")
def import_(file: File) -> None:
    """Register the closed days of a file. With one bad row nothing is registered."""
    count, new = run(
        lambda parts: import_closures(parts.engine, file.read_bytes(), **acting(parts))
    )
    say("closures_imported", count=count, new=new)
