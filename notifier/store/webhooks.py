"""Webhooks: whom we call, about what, with which secrets, and how far the log has been told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.webhook import SecretKind, WebhookState

from .db import fetch, fetch_one, rows, run, scalar
from .put_off import Sweep, is_due


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook."""

    webhook_id: int
    url: str
    source: str | None
    states: list[str]
    state: str
    reason: str
    position: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class ListedWebhook(Webhook):
    """A webhook and how many of its calls stand where."""

    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class DueWork:
    """How far a webhook has been told, and whether a call is due."""

    position: int
    due: bool


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that calls are signed with."""

    secret_id: int
    kind: str
    secret: bytes
    created_at: datetime


_COLUMNS = "webhook_id, url, source, states, state, reason, position, created_at, created_by"

_ADD = """
INSERT INTO webhooks (url, source, states, state, reason, position, created_at,
    created_by, updated_at)
VALUES (:url, :source, :states, 'enabled', 'created', :position, :now, :actor, :now)
RETURNING webhook_id
"""

_EVERYTHING = f"""
SELECT {_COLUMNS},
    (SELECT count(*) FROM webhook_calls c
     WHERE c.webhook_id = w.webhook_id AND c.state = 'waiting') AS waiting,
    (SELECT count(*) FROM webhook_calls c
     WHERE c.webhook_id = w.webhook_id AND c.state = 'dead') AS dead
FROM webhooks w ORDER BY webhook_id
"""

_ENABLED = f"""
SELECT webhook_id FROM webhooks
WHERE state = 'enabled' AND {is_due(Sweep.WEBHOOK, "webhook_id")}
"""

_GET = f"SELECT {_COLUMNS} FROM webhooks WHERE webhook_id = :id"

_DUE_WORK = """
SELECT position, EXISTS (
    SELECT FROM webhook_calls c WHERE c.webhook_id = w.webhook_id
      AND c.state = 'waiting' AND c.next_attempt_at <= :now) AS due
FROM webhooks w WHERE webhook_id = :id AND state = 'enabled'
"""

_TAKE = f"""
SELECT {_COLUMNS} FROM webhooks WHERE webhook_id = :id AND state = 'enabled'
FOR NO KEY UPDATE SKIP LOCKED
"""

_ADVANCE = "UPDATE webhooks SET position = :position WHERE webhook_id = :id"

_TURN = """
UPDATE webhooks SET state = :state, reason = :reason, updated_at = :now
WHERE webhook_id = :id AND state <> :state
"""

_REMOVE = "DELETE FROM webhooks WHERE webhook_id = :id"

_ADD_KEY = """
INSERT INTO webhook_secrets (webhook_id, kind, secret, created_at)
VALUES (:webhook, :kind, :secret, :now) RETURNING secret_id
"""

_KEYS_OF = """
SELECT secret_id, kind, secret, created_at FROM webhook_secrets
WHERE webhook_id = :id ORDER BY secret_id
"""

_LOCK = "SELECT FROM webhooks WHERE webhook_id = :webhook FOR UPDATE"

_DROP_KEY = """
DELETE FROM webhook_secrets WHERE webhook_id = :webhook AND secret_id = :secret
  AND EXISTS (SELECT FROM webhook_secrets o
              WHERE o.webhook_id = :webhook AND o.secret_id <> :secret)
"""


async def add(
    conn: AsyncConnection,
    url: str,
    *,
    source: str | None,
    states: Sequence[str],
    position: int,
    actor: Actor,
    now: datetime,
) -> int:
    """Register a webhook that is told what stands behind ``position``; its id."""
    made = await scalar(
        conn,
        _ADD,
        {
            "url": url,
            "source": source,
            "states": list(states),
            "position": position,
            "actor": str(actor),
            "now": now,
        },
    )
    return int(made)


async def everything(conn: AsyncConnection) -> Sequence[ListedWebhook]:
    """All webhooks with the number of calls that wait and that are dead."""
    return await fetch(conn, ListedWebhook, _EVERYTHING)


async def enabled(conn: AsyncConnection, *, now: datetime) -> set[int]:
    """The ids of those that are called, apart from what is put off."""
    found = await rows(conn, _ENABLED, {"now": now})
    return {r["webhook_id"] for r in found}


async def get(conn: AsyncConnection, webhook_id: int) -> Webhook | None:
    """One webhook."""
    sql = _GET
    return await fetch_one(conn, Webhook, sql, {"id": webhook_id})


async def due_work(conn: AsyncConnection, webhook_id: int, *, now: datetime) -> DueWork | None:
    """``position`` and ``due`` (whether a call is) of one that is called.

    Looking holds nothing and so writes nothing: a house at rest looks every second.
    """
    return await fetch_one(conn, DueWork, _DUE_WORK, {"id": webhook_id, "now": now})


async def take(conn: AsyncConnection, webhook_id: int) -> Webhook | None:
    """One that is called, held to the transaction's end; None while another process has it."""
    return await fetch_one(conn, Webhook, _TAKE, {"id": webhook_id})


async def advance(conn: AsyncConnection, webhook_id: int, position: int) -> None:
    """What stands up to ``position`` has been turned into calls."""
    sql = _ADVANCE
    await run(conn, sql, {"id": webhook_id, "position": position})


async def turn(
    conn: AsyncConnection, webhook_id: int, state: WebhookState, reason: str, *, now: datetime
) -> bool:
    """Call it, or call it no more; False where it was so already, or there is none."""
    done = await run(conn, _TURN, {"id": webhook_id, "state": state, "reason": reason, "now": now})
    return done == 1


async def remove(conn: AsyncConnection, webhook_id: int) -> bool:
    """Take it away with its secrets and calls; False when there was none."""
    sql = _REMOVE
    return await run(conn, sql, {"id": webhook_id}) == 1


async def add_secret(
    conn: AsyncConnection, webhook_id: int, kind: SecretKind, secret: bytes, *, now: datetime
) -> int:
    """One more secret that calls are signed with; its id."""
    made = await scalar(
        conn, _ADD_KEY, {"webhook": webhook_id, "kind": kind, "secret": secret, "now": now}
    )
    return int(made)


async def secrets_of(conn: AsyncConnection, webhook_id: int) -> Sequence[Secret]:
    """secret_id, kind, secret and created_at, oldest first."""
    return await fetch(conn, Secret, _KEYS_OF, {"id": webhook_id})


async def drop_secret(conn: AsyncConnection, webhook_id: int, secret_id: int) -> bool:
    """Sign with it no more; False where there is none, or it is the last."""
    given: dict[str, Any] = {"webhook": webhook_id, "secret": secret_id}
    await run(conn, _LOCK, given)
    done = await run(conn, _DROP_KEY, given)
    return done == 1
