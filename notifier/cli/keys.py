"""``notifier keys``: API keys, one for each source of events."""

from datetime import timedelta
from typing import Annotated

import typer

from notifier.app import api_keys
from notifier.app.access import latest_refusals
from notifier.app.api_keys import KeyWish, Made
from notifier.model.access import USUAL_SCOPES, RefusedAccess, Scope

from . import identity
from .language import word
from .output import emitted, out, say
from .session import Limit, run, signed
from .tables import show
from .verbs import Verbs

app = Verbs()
_COLUMNS = ("key", "source", "test", "scopes", "created", "by", "until", "revoked")


@app.command("create", hidden=True)
@app.command("new")
def new(
    source: str,
    test: Annotated[bool, typer.Option("--test")] = False,
    scope: list[Scope] | None = None,
    days: Annotated[int | None, typer.Option(min=1, max=3650)] = None,
) -> None:
    """Make a key. It is shown once; only its hash is kept.

    One that may change members waits for a second administrator (users confirm).
    """
    wish = KeyWish(
        source=source,
        scopes=frozenset(scope) if scope else USUAL_SCOPES,
        test=test,
        lasts=timedelta(days=days) if days else None,
    )
    show_secret("key", run(lambda parts: api_keys.create_key(parts.engine, wish=wish, **signed())))


def show_secret(kind: str, made: Made) -> None:
    """Print a secret, and what it waits for."""
    request = made.request.request_id if made.request else None
    if emitted({kind: made.name, "secret": made.secret_text, "request": request}):
        return
    out.print(made.secret_text, highlight=False)
    if request:
        say("second_person", number=str(request))


@app.command("list")
def list_() -> None:
    """Print all keys."""
    found = run(lambda parts: api_keys.all_keys(parts.engine, identity.principal()))
    show(
        _COLUMNS,
        found,
        lambda k: (
            k.key_id,
            k.source,
            k.test,
            " ".join(sorted(k.scopes)),
            k.created_at,
            k.created_by,
            k.expires_at,
            k.revoked_at,
        ),
    )


@app.command("revoke")
def revoke(key_id: str) -> None:
    """Put a key out of force at once."""
    run(lambda parts: api_keys.revoke_key(parts.engine, key_id=key_id, **signed()))


@app.command("refused")
def refused(limit: Limit = 50) -> None:
    """Print who was turned away: without a valid key, or with one that may not do this."""
    found = run(lambda parts: latest_refusals(parts.engine, limit))
    show(("minute", "address", "interface", "reason", "key", "count"), found, _refusal)


def _refusal(r: RefusedAccess) -> tuple[object, ...]:
    return r.minute, r.address, r.interface, word("refusal", r.reason), r.name, r.count
