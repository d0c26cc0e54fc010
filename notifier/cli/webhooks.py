"""``notifier webhooks``: who is called about what becomes of messages."""

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from notifier.app import webhooks
from notifier.app.webhooks import CallLine, Webhook
from notifier.model.errors import NotAllowed
from notifier.model.states import State
from notifier.model.webhook import CallOutcome, CallState, SecretKind, WebhookState
from notifier.runtime.parts import Parts
from notifier.runtime.telling import telling
from notifier.webhooks import subscribing
from notifier.webhooks.line import Desk

from .language import as_json, word
from .output import emitted, out, say
from .session import Id, Limit, acting, person, run
from .tables import facts, show
from .verbs import Verbs

app = Verbs()
Given = Annotated[str | None, typer.Option("--secret")]
_T = TypeVar("_T")
_LIST = ("webhook", "url", "state", "waiting", "given up")
_SHOW = ("url", "state", "why", "source", "states", "position", "created", "by")
_CALLS = ("call", "items", "state", "attempts", "answer", "code", "made", "next")


def _at_desk(work: Callable[[Desk], Awaitable[_T]]) -> _T:
    async def joined(parts: Parts) -> _T:
        async with telling(parts) as desk:
            return await work(desk)

    return run(joined)


@app.command("add")
def add(
    url: str,
    source: str | None = None,
    state: list[State] | None = None,
    from_start: Annotated[bool, typer.Option("--from-start")] = False,
    kind: SecretKind = SecretKind.HMAC,
    secret: Given = None,
) -> None:
    """Register a webhook, and show the secret (or public key) that its receiver needs."""
    added = _at_desk(
        lambda desk: subscribing.add(
            desk,
            url,
            source=source,
            states=state or (),
            from_start=from_start,
            secret=subscribing.secret_of(_given(secret), kind),
            actor=person(),
        )
    )
    if not emitted(added):
        out.print(f"{added.webhook_id} {added.secret}", highlight=False)


@app.command("list")
def list_() -> None:
    """Print all webhooks."""
    found = run(lambda parts: webhooks.find_webhooks(parts.engine))
    show(
        _LIST,
        found,
        lambda w: (str(w.webhook_id), w.url, word("webhook", w.state), w.waiting, w.dead),
    )


@app.command("show")
def show_(webhook: Id, secrets: Annotated[bool, typer.Option("--secrets")] = False) -> None:
    """Print a webhook, and what its calls are signed with."""
    found = run(lambda parts: webhooks.show_webhook(parts.engine, webhook, with_secrets=secrets))
    facts(_SHOW, found, _webhook)
    if not as_json():
        columns = ("secret", "kind", "text", "created")
        show(columns, found.secrets, lambda k: (str(k.secret_id), k.kind, k.text, k.created_at))


def _webhook(w: Webhook) -> tuple[object, ...]:
    return (
        w.url,
        word("webhook", w.state),
        word("webhook_reason", w.reason),
        w.source or "*",
        ", ".join(w.states) or "*",
        str(w.position),
        w.created_at,
        w.created_by,
    )


def _given(text: str | None) -> str | None:
    """A secret on the command line is seen by all who may list processes."""
    return sys.stdin.readline().strip() if text == "-" else text


@app.command("test")
def test(webhook: Id) -> None:
    """Call a webhook once, with nothing to tell."""

    async def work(desk: Desk) -> None:
        outcome = await subscribing.test(desk, webhook)
        if outcome is not CallOutcome.TAKEN:
            raise NotAllowed(str(outcome), code="webhook_call", outcome=outcome)

    _at_desk(work)
    _answer(webhook, "call", CallOutcome.TAKEN)


@app.command("enable")
def enable(webhook: Id) -> None:
    """Call a webhook again; it is told what it has missed."""
    _turn(webhook, WebhookState.ENABLED)


@app.command("disable")
def disable(webhook: Id) -> None:
    """Call a webhook no more. What happens meanwhile is told when it is enabled again."""
    _turn(webhook, WebhookState.DISABLED)


def _turn(webhook: int, state: WebhookState) -> None:
    _at_desk(lambda desk: subscribing.turn(desk, webhook, state, actor=person()))
    _answer(webhook, "webhook", state)


def _answer(webhook: int, kind: str, value: str) -> None:
    if not emitted({"webhook": webhook, "state": value}):
        out.print(word(kind, value))


@app.command("remove")
def remove(webhook: Id) -> None:
    """Take a webhook away for good, with its calls."""
    run(lambda parts: webhooks.remove_webhook(parts.engine, webhook, **acting(parts)))


@app.command("add-secret")
def add_secret(webhook: Id, kind: SecretKind = SecretKind.HMAC, secret: Given = None) -> None:
    """Sign with one more secret: calls carry both signatures until the old one is dropped."""

    async def work(parts: Parts) -> tuple[int, str]:
        new = subscribing.secret_of(_given(secret), kind)
        return await webhooks.add_secret(parts.engine, webhook, new, **acting(parts)), new.text

    made, text = run(work)
    if not emitted({"secret": made, "text": text}):
        out.print(f"{made} {text}", highlight=False)


@app.command("drop-secret")
def drop_secret(webhook: Id, secret: Id) -> None:
    """Sign with a secret no more; the last one stays."""
    run(lambda parts: webhooks.drop_secret(parts.engine, webhook, secret, **acting(parts)))


@app.command("deliveries")
def deliveries(webhook: Id, state: CallState | None = None, limit: Limit = 50) -> None:
    """Print the newest calls of a webhook."""
    found = run(lambda parts: webhooks.find_calls(parts.engine, webhook, state=state, limit=limit))
    show(_CALLS, found, _call)


def _call(c: CallLine) -> tuple[object, ...]:
    return (
        str(c.call_id),
        c.items,
        word("call_state", c.state),
        c.attempts,
        word("call", c.outcome),
        c.code,
        c.made_at,
        c.next_attempt_at if c.state is CallState.WAITING else None,
    )


@app.command("replay")
def replay(
    webhook: Id,
    call: Annotated[int | None, typer.Argument(min=1, max=10**15)] = None,
    state: CallState = CallState.DEAD,
) -> None:
    """Make calls once more under the same ids: one, or all that were given up."""
    done = run(
        lambda parts: webhooks.replay_calls(
            parts.engine, webhook, call_id=call, state=state, **acting(parts)
        )
    )
    say("calls_again", count=done)
