"""``notifier webhooks``: who is called about what becomes of messages."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from notifier.model.errors import NotAllowed, NotFound
from notifier.model.states import State
from notifier.model.webhook import CallOutcome, CallState, SecretKind, WebhookState
from notifier.rendering.labels import label
from notifier.runtime.parts import Parts
from notifier.runtime.telling import telling
from notifier.store import log
from notifier.store import webhook_calls as calls
from notifier.store import webhooks as store
from notifier.webhooks import subscribing
from notifier.webhooks.line import Desk
from notifier.webhooks.signing import Secret

from .session import Id, Limit, out, person, run, say
from .tables import facts, show

app = typer.Typer(help="Webhooks: who is called about messages.", no_args_is_help=True)
Kind = Annotated[SecretKind, typer.Option(help="How calls are signed.")]
Given = Annotated[
    str | None,
    typer.Option(
        "--secret", help="whsec_… that the receiver has; - reads standard input; else a new one."
    ),
]
_T = TypeVar("_T")


def _at_desk(work: Callable[[Parts, Desk], Awaitable[_T]]) -> _T:
    async def joined(parts: Parts) -> _T:
        async with telling(parts) as desk:
            return await work(parts, desk)

    return run(joined)


@app.command("add")
def add(
    url: Annotated[str, typer.Argument(help="An https address.")],
    source: Annotated[
        str | None, typer.Option(help="Only messages that events of this source caused.")
    ] = None,
    state: Annotated[
        list[State] | None, typer.Option(help="Only changes into this state; may be repeated.")
    ] = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Tell all that is on record, not only what comes.")
    ] = False,
    kind: Kind = SecretKind.HMAC,
    secret: Given = None,
) -> None:
    """Register a webhook, and show the secret (or public key) that its receiver needs."""

    async def work(_parts: Parts, desk: Desk) -> None:
        added = await subscribing.add(
            desk,
            url,
            source=source,
            states=state or (),
            from_start=from_start,
            secret=subscribing.secret_of(_given(secret), kind),
            actor=person(),
        )
        out.print(f"{added.webhook_id} {added.secret}", highlight=False)

    _at_desk(work)


@app.command("list")
def list_() -> None:
    """All webhooks."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.everything(conn)
        language = parts.settings.locale
        lines = [
            (
                str(r.webhook_id),
                r.url,
                label(f"webhook.{r.state}", language),
                r.waiting,
                r.dead,
            )
            for r in found
        ]
        show(("webhook", "url", "state", "waiting", "given up"), lines)

    run(work)


@app.command("show")
def show_(
    webhook: Id,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="With the secrets that its receiver shares.")
    ] = False,
) -> None:
    """One webhook, and what its calls are signed with."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await store.get(conn, webhook)
            keys = await store.secrets_of(conn, webhook)
        if found is None:
            raise NotFound("webhook", webhook)
        language = parts.settings.locale
        facts(
            [
                ("url", found.url),
                ("state", label(f"webhook.{found.state}", language)),
                ("why", label(f"webhook_reason.{found.reason}", language)),
                ("source", found.source or "*"),
                ("states", ", ".join(found.states) or "*"),
                ("position", str(found.position)),
                ("created", found.created_at),
                ("by", found.created_by),
            ]
        )
        show(
            ("secret", "kind", "text", "created"),
            [(str(k.secret_id), k.kind, _text(k, secrets), k.created_at) for k in keys],
        )

    run(work)


def _text(found: store.Secret, whole: bool) -> str:
    secret = Secret(SecretKind(found.kind), bytes(found.secret))
    shown = whole or secret.kind is SecretKind.ED25519  # that one's text is its public key
    return secret.text if shown else "***"


def _given(text: str | None) -> str | None:
    """A secret on the command line is seen by all who may list processes."""
    return sys.stdin.readline().strip() if text == "-" else text


@app.command("test")
def test(webhook: Id) -> None:
    """Call a webhook once, with nothing to tell."""

    async def work(parts: Parts, desk: Desk) -> None:
        outcome = await subscribing.test(desk, webhook)
        said = label(f"call.{outcome}", parts.settings.locale)
        if outcome is not CallOutcome.TAKEN:
            raise NotAllowed(said, code="webhook_call", outcome=outcome)
        out.print(said)

    _at_desk(work)


@app.command("enable")
def enable(webhook: Id) -> None:
    """Call a webhook again; it is told what it has missed."""
    _turn(webhook, WebhookState.ENABLED)


@app.command("disable")
def disable(webhook: Id) -> None:
    """Call a webhook no more. What happens meanwhile is told when it is enabled again."""
    _turn(webhook, WebhookState.DISABLED)


def _turn(webhook: int, state: WebhookState) -> None:
    async def work(parts: Parts, desk: Desk) -> None:
        await subscribing.turn(desk, webhook, state, actor=person())
        out.print(label(f"webhook.{state}", parts.settings.locale))

    _at_desk(work)


@app.command("remove")
def remove(webhook: Id) -> None:
    """Take a webhook away for good, with its calls."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            if not await store.remove(conn, webhook):
                raise NotFound("webhook", webhook)
            entry = {"reason": f"removed:{webhook}"}
            await log.append(conn, "webhook", [entry], actor=person(), now=parts.clock.now())

    run(work)


@app.command("add-secret")
def add_secret(webhook: Id, kind: Kind = SecretKind.HMAC, secret: Given = None) -> None:
    """Sign with one more secret: calls carry both signatures until the old one is dropped."""

    async def work(parts: Parts) -> None:
        new, now = subscribing.secret_of(_given(secret), kind), parts.clock.now()
        async with parts.engine.begin() as conn:
            if await store.get(conn, webhook) is None:
                raise NotFound("webhook", webhook)
            made = await store.add_secret(conn, webhook, new.kind, new.key, now=now)
            entry = {"reason": f"secret:{webhook}:{made}"}
            await log.append(conn, "webhook", [entry], actor=person(), now=now)
        out.print(f"{made} {new.text}", highlight=False)

    run(work)


@app.command("drop-secret")
def drop_secret(webhook: Id, secret: Id) -> None:
    """Sign with a secret no more; the last one stays."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            if not await store.drop_secret(conn, webhook, secret):
                text = f"secret {secret}: there is none, or no other"
                raise NotAllowed(text, code="last_secret", secret=secret)
            entry = {"reason": f"secret_dropped:{webhook}:{secret}"}
            await log.append(conn, "webhook", [entry], actor=person(), now=parts.clock.now())

    run(work)


@app.command("deliveries")
def deliveries(
    webhook: Id,
    state: Annotated[CallState | None, typer.Option(help="In this state.")] = None,
    limit: Limit = 50,
) -> None:
    """The newest calls of a webhook."""

    async def work(parts: Parts) -> None:
        async with parts.engine.connect() as conn:
            found = await calls.of_webhook(conn, webhook, state=state, limit=limit)
        language = parts.settings.locale
        lines = [
            (
                str(r.call_id),
                r.items,
                label(f"call_state.{r.state}", language),
                r.attempts,
                label(f"call.{r.outcome}", language) if r.outcome else "",
                r.code,
                r.made_at,
                r.next_attempt_at if r.state == CallState.WAITING else None,
            )
            for r in found
        ]
        show(("call", "items", "state", "attempts", "answer", "code", "made", "next"), lines)

    run(work)


@app.command("replay")
def replay(
    webhook: Id,
    call: Annotated[int | None, typer.Argument(min=1, max=10**15)] = None,
    state: Annotated[CallState, typer.Option(help="In which state they are.")] = CallState.DEAD,
) -> None:
    """Make calls once more under the same ids: one, or all that were given up."""

    async def work(parts: Parts) -> None:
        async with parts.engine.begin() as conn:
            now = parts.clock.now()
            done = await calls.replay(conn, webhook, call_id=call, state=state, now=now)
            entry = {"reason": f"replayed:{webhook}:{call or state}"}
            await log.append(conn, "webhook", [entry] * (done > 0), actor=person(), now=now)
        say("calls_again", count=done)

    run(work)
