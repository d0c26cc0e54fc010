"""``notifier staff``: the name that ``notifier users add`` and ``list`` had before."""

import typer

from notifier.app.users import Person
from notifier.rendering.labels import label

from . import users
from .session import err, settings

app = typer.Typer(help="The same as users add and users list.", no_args_is_help=True)


@app.command("add")
def add(login: str, name: str, email: str) -> None:
    """Register somebody whom alerts reach, or change name and address."""
    _deprecated("users add")
    users.register(Person(login=login, name=name, email=email))


@app.command("list")
def list_() -> None:
    """All users."""
    _deprecated("users list")
    users.list_()


def _deprecated(now: str) -> None:
    err.print(label("cli.deprecated", settings().locale, now=f"notifier {now}"))
