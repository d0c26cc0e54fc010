"""``notifier services``: accounts of scripts. They never approve, release, export or grant."""

from datetime import timedelta
from typing import Annotated

import typer

from notifier.app import api_keys
from notifier.model.role import Permission

from . import identity
from .keys import show_secret
from .session import run, signed
from .tables import show
from .verbs import Verbs

app = Verbs()
_COLUMNS = ("name", "scopes", "created", "by", "until", "revoked")


@app.command("new")
def new(
    name: str,
    scope: Annotated[list[Permission], typer.Option("--scope")],
    days: Annotated[int, typer.Option(min=1, max=400)] = 90,
) -> None:
    """Make an account. Its token is shown once, for NOTIFIER_TOKEN; only its hash is kept."""
    scopes, lasts = frozenset(scope), timedelta(days=days)
    made = run(
        lambda parts: api_keys.create_service(
            parts.engine, name=name, scopes=scopes, lasts=lasts, **signed()
        )
    )
    show_secret("service", made)


@app.command("list")
def list_() -> None:
    """Print all service accounts."""
    found = run(lambda parts: api_keys.all_services(parts.engine, identity.principal()))
    show(
        _COLUMNS,
        found,
        lambda a: (
            a.name,
            " ".join(sorted(a.scopes)),
            a.created_at,
            a.created_by,
            a.expires_at,
            a.revoked_at,
        ),
    )


@app.command("revoke")
def revoke(name: str) -> None:
    """Put an account out of force at once."""
    run(lambda parts: api_keys.revoke_service(parts.engine, name=name, **signed()))
