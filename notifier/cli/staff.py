"""``notifier staff``: whom alerts reach."""

import typer

from notifier.intake.addresses import parse_email
from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.errors import BadInput, FieldError
from notifier.runtime.parts import Parts
from notifier.store import log
from notifier.store import staff as store

from .session import person, run
from .tables import show

app = typer.Typer(help="Staff: whom alerts about tasks reach.", no_args_is_help=True)


@app.command("add")
def add(login: str, name: str, email: str) -> None:
    """Register a member of staff, or change name and address."""

    async def work(parts: Parts) -> None:
        found = [(n, text_problem(text)) for n, text in (("login", login), ("name", name))]
        if wrong := [FieldError(n, code, {"limit": MAX_TEXT}) for n, code in found if code]:
            raise BadInput(wrong)
        async with parts.engine.begin() as conn:
            now = parts.clock.now()
            await store.save(conn, login, name, parse_email(email), now=now)
            await log.append(conn, "staff", [{"reason": f"saved:{login}"}], actor=person(), now=now)

    run(work, creates=True)


@app.command("list")
def list_() -> None:
    """All staff."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.everyone(conn)
        show(("login", "name", "email"), [(r.login, r.name, r.email) for r in found])

    run(work)
