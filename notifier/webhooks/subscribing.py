"""Registering webhooks, and trying them."""

from collections.abc import Sequence
from typing import NamedTuple

from notifier.model.actor import Actor
from notifier.model.change import TOLD
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.states import State
from notifier.model.webhook import CallOutcome, CallState, SecretKind, WebhookState
from notifier.store import log, webhook_calls, webhooks
from notifier.store.horizon import Unsettled

from .line import TEST, Desk, attempt, new_id, payload
from .outside import url_problem
from .signing import BadSecret, Secret


class Added(NamedTuple):
    """A webhook that was registered."""

    webhook_id: int
    secret: str  # what its receiver checks signatures with


async def add(
    desk: Desk,
    url: str,
    *,
    source: str | None,
    states: Sequence[State],
    from_start: bool,
    secret: Secret,
    actor: Actor,
) -> Added:
    """Register a webhook; it is told what comes from now on, or all that is on record.

    Raises :class:`BadInput` on a URL that will not be called, or a state that is never told,
    ``NotAllowed`` while nobody can say where "now" is.
    """
    if code := url_problem(url, desk.outside.rules):
        raise BadInput([FieldError("url", code)])
    if set(states) - set(TOLD):
        raise BadInput([FieldError("state", "not_allowed", {"allowed": ", ".join(TOLD)})])
    position, now = 0 if from_start else await _end(desk), desk.now()
    async with desk.engine.begin() as conn:
        made = await webhooks.add(
            conn, url, source=source, states=states, position=position, actor=actor, now=now
        )
        await webhooks.add_secret(conn, made, secret.kind, secret.key, now=now)
        await log.append(conn, "webhook", [{"reason": f"added:{made}"}], actor=actor, now=now)
    return Added(made, secret.text)


async def _end(desk: Desk) -> int:
    try:
        return await desk.feed.end()
    except Unsettled:
        text = "a long transaction is running; try again when it has ended"
        raise NotAllowed(text, code="long_transaction") from None


def secret_of(given: str | None, kind: SecretKind) -> Secret:
    """The secret that was given, or a new one. Raises :class:`BadInput`."""
    if given is None:
        return Secret.new(kind)
    try:
        return Secret.parse(given)
    except BadSecret:
        raise BadInput([FieldError("secret", "bad_secret")]) from None


async def turn(desk: Desk, webhook_id: int, state: WebhookState, *, actor: Actor) -> bool:
    """Call a webhook, or no more; False where it was so already.

    Called again, it is told what it has missed: what waits gets its time anew. Raises
    :class:`NotFound`.
    """
    now = desk.now()
    async with desk.engine.begin() as conn:
        if await webhooks.get(conn, webhook_id) is None:
            raise NotFound("webhook", webhook_id)
        turned = await webhooks.turn(conn, webhook_id, state, "by_person", now=now)
        if turned and state is WebhookState.ENABLED:
            await webhook_calls.replay(conn, webhook_id, state=CallState.WAITING, now=now)
        entry = {"reason": f"{state}:{webhook_id}"}
        await log.append(conn, "webhook", [entry] * turned, actor=actor, now=now)
    return turned


async def test(desk: Desk, webhook_id: int) -> CallOutcome:
    """Call a webhook once with nothing to tell; nothing of it is kept. Raises :class:`NotFound`."""
    _, outcome = await attempt(desk, webhook_id, new_id(), payload(TEST, {}, desk.now()))
    return outcome
