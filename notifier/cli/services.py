"""``notifier services``: accounts of scripts. They never approve, release, export or grant."""

from datetime import timedelta
from typing import Annotated

import typer

from notifier.app import api_keys
from notifier.model.role import Permission
from notifier.runtime.parts import Parts

from . import identity
from .session import out, run, say
from .tables import show

app = typer.Typer(help="Service accounts: scripts that act at the terminal.", no_args_is_help=True)


@app.command("new")
def new(
    name: str,
    scope: Annotated[list[Permission], typer.Option(help="A right; repeatable (users roles).")],
    days: Annotated[int, typer.Option(min=1, max=400, help="How long it is in force.")] = 90,
) -> None:
    """Make an account. Its token is shown once, for NOTIFIER_TOKEN; only its hash is kept."""

    async def work(parts: Parts) -> None:
        by, lasts = identity.principal(), timedelta(days=days)
        made = await api_keys.create_service(
            parts.engine, by, name, frozenset(scope), lasts, now=identity.moment()
        )
        out.print(made.secret_text, highlight=False)
        if made.request:
            say("second_person", number=made.request.request_id)

    run(work)


@app.command("list")
def list_() -> None:
    """All service accounts."""

    async def work(parts: Parts) -> None:
        found = await api_keys.all_services(parts.engine, identity.principal())
        columns = ("name", "scopes", "created", "by", "until", "revoked")
        lines = [
            (
                a.name,
                " ".join(sorted(a.scopes)),
                a.created_at,
                a.created_by,
                a.expires_at,
                a.revoked_at,
            )
            for a in found
        ]
        show(columns, lines)

    run(work)


@app.command("revoke")
def revoke(name: str) -> None:
    """Put an account out of force at once."""

    async def work(parts: Parts) -> None:
        by = identity.principal()
        await api_keys.revoke_service(parts.engine, by, name, now=identity.moment())

    run(work)
