"""API keys: one for each source of events."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError, NotFound
from notifier.store import keys as store
from notifier.store import log

from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, without its secret."""

    key_id: str
    source: str
    test: bool
    created_at: datetime
    created_by: str
    revoked_at: datetime | None


async def add_key(
    engine: AsyncEngine,
    key_id: str,
    source: str,
    hashed: bytes,
    *,
    test: bool,
    actor: Actor,
    now: datetime,
) -> None:
    """Keep the hash of a new key. Raises :class:`BadInput`."""
    if code := text_problem(source):
        raise BadInput([FieldError("source", code, {"limit": MAX_TEXT})])
    async with engine.begin() as conn:
        await store.add(conn, key_id, source, hashed, test=test, actor=actor, now=now)
        await log.append(conn, "key", [{"reason": f"new:{key_id}"}], actor=actor, now=now)


async def find_keys(engine: AsyncEngine) -> list[ApiKey]:
    """Return all keys, in force or not."""
    async with engine.connect() as conn:
        return [value_of(ApiKey, r) for r in await store.everything(conn)]


async def revoke_key(engine: AsyncEngine, key_id: str, *, actor: Actor, now: datetime) -> None:
    """Put a key out of force at once. Raises :class:`NotFound`."""
    async with engine.begin() as conn:
        if not await store.revoke(conn, key_id, now=now):
            raise NotFound("key", key_id)
        await log.append(conn, "key", [{"reason": f"revoked:{key_id}"}], actor=actor, now=now)
