"""``notifier staff``: whom alerts reach."""

from notifier.app.staff import find_staff, save_staff

from .session import acting, run
from .tables import show
from .verbs import Verbs

app = Verbs()


@app.command("add")
def add(login: str, name: str, email: str) -> None:
    """Register a member of staff, or change name and address."""
    run(lambda parts: save_staff(parts.engine, login, name, email, **acting(parts)), creates=True)


@app.command("list")
def list_() -> None:
    """Print all staff."""
    found = run(lambda parts: find_staff(parts.engine))
    show(("login", "name", "email"), found, lambda s: (s.login, s.name, s.email))
