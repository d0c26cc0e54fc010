"""``notifier keys``: API keys, one for each source of events."""

from datetime import timedelta
from typing import Annotated

import typer

from notifier.app import api_keys
from notifier.app.access import latest_refusals
from notifier.app.api_keys import KeyWish
from notifier.model.access import USUAL_SCOPES, Scope
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts

from . import identity
from .session import out, run, say
from .tables import show

app = typer.Typer(help="API keys of the systems that send events.", no_args_is_help=True)


@app.command("create", help="The same as new.", hidden=True)
@app.command("new")
def new(
    source: Annotated[str, typer.Argument(help="The only source whose events the key may send.")],
    test: Annotated[
        bool, typer.Option("--test", help="For tests: decided and shown, never sent, kept apart.")
    ] = False,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it is good for; repeatable. All but members.write if left out."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="How long; until revoked if left out.")
    ] = None,
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

    async def work(parts: Parts) -> None:
        by = identity.principal()
        made = await api_keys.create_key(parts.engine, by, wish, now=identity.moment())
        out.print(made.secret_text, highlight=False)
        if made.request:
            say("second_person", number=made.request.request_id)

    run(work)


@app.command("list")
def list_() -> None:
    """All keys."""

    async def work(parts: Parts) -> None:
        found = await api_keys.all_keys(parts.engine, identity.principal())
        columns = ("key", "source", "test", "scopes", "created", "by", "until", "revoked")
        lines = [
            (
                k["key_id"],
                k["source"],
                k["test"],
                " ".join(sorted(k["scopes"])),
                k["created_at"],
                k["created_by"],
                k["expires_at"],
                k["revoked_at"],
            )
            for k in found
        ]
        show(columns, lines)

    run(work)


@app.command("revoke")
def revoke(key_id: str) -> None:
    """Put a key out of force at once."""

    async def work(parts: Parts) -> None:
        by = identity.principal()
        await api_keys.revoke_key(parts.engine, by, key_id, now=identity.moment())

    run(work)


@app.command("refused")
def refused(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Lines at most.")] = 50,
) -> None:
    """Who was turned away: without a valid key, or with one that may not do this."""

    async def work(parts: Parts) -> None:
        language = parts.settings.locale
        show(
            ("minute", "address", "interface", "reason", "key", "count"),
            [
                (
                    r.minute,
                    r.address,
                    r.interface,
                    label(f"refusal.{r.reason}", language),
                    r.name,
                    r.count,
                )
                for r in await latest_refusals(parts.engine, limit)
            ],
        )

    run(work)
