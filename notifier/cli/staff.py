"""``notifier staff``: the name that ``notifier users add`` and ``list`` had before."""

from . import users
from .login import Login
from .output import err, phrase
from .verbs import Verbs

app = Verbs()


@app.command("add")
def add(login: Login, name: str, email: str) -> None:
    """Register somebody whom alerts reach, or change name and address."""
    _deprecated("users add")
    users.add(login, name, email)


@app.command("list")
def list_() -> None:
    """Print all users."""
    _deprecated("users list")
    users.list_()


def _deprecated(now: str) -> None:
    err.print(phrase("cli.deprecated", now=f"notifier {now}"))
