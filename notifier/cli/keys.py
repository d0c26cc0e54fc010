"""``notifier keys``: API keys, one for each source of events."""

from typing import Annotated

import typer

from notifier.api.keys import new_key
from notifier.app import keys
from notifier.app.access import latest_refusals
from notifier.model.access import RefusedAccess

from .language import word
from .output import emitted, out
from .session import Limit, acting, run
from .tables import show
from .verbs import Verbs

app = Verbs()


@app.command("create", hidden=True)
@app.command("new")
def new(source: str, test: Annotated[bool, typer.Option("--test")] = False) -> None:
    """Make a key. It is shown once; only its hash is kept."""
    key_id, secret, hashed = new_key()
    run(
        lambda parts: keys.add_key(
            parts.engine, key_id, source, hashed, test=test, **acting(parts)
        ),
        creates=True,
    )
    if not emitted({"key": key_id, "secret": secret}):
        out.print(secret, highlight=False)


@app.command("list")
def list_() -> None:
    """Print all keys."""
    found = run(lambda parts: keys.find_keys(parts.engine))
    show(
        ("key", "source", "test", "created", "by", "revoked"),
        found,
        lambda k: (k.key_id, k.source, k.test, k.created_at, k.created_by, k.revoked_at),
    )


@app.command("revoke")
def revoke(key_id: str) -> None:
    """Put a key out of force at once."""
    run(lambda parts: keys.revoke_key(parts.engine, key_id, **acting(parts)))


@app.command("refused")
def refused(limit: Limit = 50) -> None:
    """Print who was turned away: without a valid key, or with one that may not do this."""
    found = run(lambda parts: latest_refusals(parts.engine, limit))
    show(("minute", "address", "interface", "reason", "key", "count"), found, _refusal)


def _refusal(r: RefusedAccess) -> tuple[object, ...]:
    return r.minute, r.address, r.interface, word("refusal", r.reason), r.name, r.count
