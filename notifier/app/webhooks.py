"""Webhooks: who is called about what becomes of messages, and what calls came to."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.model.webhook import CallOutcome, CallState, SecretKind, WebhookState
from notifier.store import log
from notifier.store import webhook_calls as calls
from notifier.store import webhooks as store
from notifier.webhooks.signing import Secret

from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLine:
    """A webhook in a list."""

    webhook_id: int
    url: str
    state: WebhookState
    waiting: int  # calls
    dead: int  # calls that were given up


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSecret:
    """What calls are signed with. Of a shared secret the text is hidden unless asked for."""

    secret_id: int
    kind: SecretKind
    text: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook with its secrets."""

    url: str
    state: WebhookState
    reason: str
    source: str | None  # None: messages that events of any source caused
    states: tuple[str, ...]  # none: changes into any
    position: int
    created_at: datetime
    created_by: str
    secrets: tuple[KnownSecret, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """A call of a webhook."""

    call_id: int
    items: int
    state: CallState
    attempts: int
    outcome: CallOutcome | None
    code: int | None
    made_at: datetime
    next_attempt_at: datetime | None


async def find_webhooks(engine: AsyncEngine) -> list[WebhookLine]:
    """Return all webhooks."""
    async with engine.connect() as conn:
        return [value_of(WebhookLine, r) for r in await store.everything(conn)]


async def show_webhook(engine: AsyncEngine, webhook_id: int, *, with_secrets: bool) -> Webhook:
    """Return a webhook. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await store.get(conn, webhook_id)
        keys = await store.secrets_of(conn, webhook_id)
    if found is None:
        raise NotFound("webhook", webhook_id)
    secrets = [
        value_of(
            KnownSecret,
            k,
            text=_text(Secret(SecretKind(k.kind), bytes(k.secret)), whole=with_secrets),
        )
        for k in keys
    ]
    return value_of(Webhook, found, states=tuple(found.states), secrets=tuple(secrets))


def _text(secret: Secret, *, whole: bool) -> str:
    shown = whole or secret.kind is SecretKind.ED25519  # that one's text is its public key
    return secret.text if shown else "***"


async def remove_webhook(
    engine: AsyncEngine, webhook_id: int, *, actor: Actor, now: datetime
) -> None:
    """Take a webhook away for good, with its calls. Raises :class:`NotFound`."""
    async with engine.begin() as conn:
        if not await store.remove(conn, webhook_id):
            raise NotFound("webhook", webhook_id)
        await _log(conn, f"removed:{webhook_id}", actor, now)


async def add_secret(
    engine: AsyncEngine, webhook_id: int, secret: Secret, *, actor: Actor, now: datetime
) -> int:
    """Sign with one more secret; its id. Raises :class:`NotFound`."""
    async with engine.begin() as conn:
        if await store.get(conn, webhook_id) is None:
            raise NotFound("webhook", webhook_id)
        made = await store.add_secret(conn, webhook_id, secret.kind, secret.key, now=now)
        await _log(conn, f"secret:{webhook_id}:{made}", actor, now)
    return made


async def drop_secret(
    engine: AsyncEngine, webhook_id: int, secret_id: int, *, actor: Actor, now: datetime
) -> None:
    """Sign with a secret no more. Raises :class:`NotAllowed` for the last one."""
    async with engine.begin() as conn:
        if not await store.drop_secret(conn, webhook_id, secret_id):
            text = f"secret {secret_id}: there is none, or no other"
            raise NotAllowed(text, code="last_secret", secret=secret_id)
        await _log(conn, f"secret_dropped:{webhook_id}:{secret_id}", actor, now)


async def find_calls(
    engine: AsyncEngine, webhook_id: int, *, state: CallState | None, limit: int
) -> list[CallLine]:
    """Return the newest calls of a webhook."""
    async with engine.connect() as conn:
        found = await calls.of_webhook(conn, webhook_id, state=state, limit=limit)
    return [value_of(CallLine, r) for r in found]


async def replay_calls(
    engine: AsyncEngine,
    webhook_id: int,
    *,
    call_id: int | None,
    state: CallState,
    actor: Actor,
    now: datetime,
) -> int:
    """Make calls once more under the same ids: one, or all in a state. How many."""
    async with engine.begin() as conn:
        done = await calls.replay(conn, webhook_id, call_id=call_id, state=state, now=now)
        if done:
            await _log(conn, f"replayed:{webhook_id}:{call_id or state}", actor, now)
    return done


async def _log(conn: AsyncConnection, reason: str, actor: Actor, now: datetime) -> None:
    await log.append(conn, "webhook", [{"reason": reason}], actor=actor, now=now)
