"""``notifier keys``: API keys, one for each source of events."""

from typing import Annotated

import typer

from notifier.app.access import latest_refusals
from notifier.app.api_keys import new_key
from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.store import keys as store
from notifier.store import log

from .session import out, person, run
from .tables import show

app = typer.Typer(help="API keys of the systems that send events.", no_args_is_help=True)


@app.command("create", help="The same as new.", hidden=True)
@app.command("new")
def new(
    source: Annotated[str, typer.Argument(help="The only source whose events the key may send.")],
    test: Annotated[
        bool, typer.Option("--test", help="For tests: decided and shown, never sent, kept apart.")
    ] = False,
) -> None:
    """Make a key. It is shown once; only its hash is kept."""

    async def work(parts: Parts) -> None:
        if code := text_problem(source):
            raise BadInput([FieldError("source", code, {"limit": MAX_TEXT})])
        key_id, secret, hashed = new_key()
        async with parts.engine.begin() as conn:
            now = parts.clock.now()
            await store.add(conn, key_id, source, hashed, test=test, actor=person(), now=now)
            await log.append(conn, "key", [{"reason": f"new:{key_id}"}], actor=person(), now=now)
        out.print(secret, highlight=False)

    run(work, creates=True)


@app.command("list")
def list_() -> None:
    """All keys."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.everything(conn)
        names = ("key", "source", "test", "created", "by", "revoked")
        show(names, [tuple(r.values()) for r in found])

    run(work)


@app.command("revoke")
def revoke(key_id: str) -> None:
    """Put a key out of force at once."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            now = parts.clock.now()
            if not await store.revoke(conn, key_id, now=now):
                raise NotFound("key", key_id)
            entry = {"reason": f"revoked:{key_id}"}
            await log.append(conn, "key", [entry], actor=person(), now=now)

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
