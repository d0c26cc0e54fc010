"""API keys of systems, and service accounts of scripts: made, compared, put out of force.

Only hashes are ever stored. What has rights over members waits for a second administrator
(:func:`notifier.app.users.confirm`).
"""

import hmac
import re
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.access import USUAL_SCOPES, Scope
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.role import FOR_SERVICES, Permission, over_members
from notifier.model.user import Principal, RequestKind, UserRequest
from notifier.store import keys, log, service_accounts
from notifier.store.keys import ListedKey
from notifier.store.service_accounts import ListedService

from .credentials import fresh_token, hash_of_token
from .users import acting, ask

_KEY: Final = re.compile(r"nk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_SERVICE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
LONGEST: Final = timedelta(days=400)  # that a service account is in force


class NewKey(NamedTuple):
    """A fresh key. ``secret_text`` is shown once, to whoever asked for it."""

    key_id: str
    secret_text: str
    hash: bytes


def new_key() -> NewKey:
    """A key with 256 random bits; its text names its id: ``nk_<id>_<secret>``."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    key_id = "".join(secrets.choice(alphabet) for _ in range(12))
    text = f"nk_{key_id}_{secrets.token_urlsafe(32)}"
    return NewKey(key_id, text, hash_of_token(text))


def key_id_of(secret_text: str) -> str | None:
    """The id that a key's text names, or None where it is no key of ours."""
    match = _KEY.fullmatch(secret_text)
    return match[1] if match else None


def matches(secret_text: str, stored: bytes) -> bool:
    """Whether a key's text belongs to a stored hash; takes the same time either way."""
    return hmac.compare_digest(hash_of_token(secret_text), stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyWish:
    """The key that somebody asks for."""

    source: str  # the only one whose events it may send
    scopes: frozenset[Scope] = USUAL_SCOPES
    test: bool = False  # whether nothing that is sent with it becomes real
    lasts: timedelta | None = None  # None: until it is revoked


@dataclass(frozen=True, slots=True)
class Made:
    """A secret, shown once, and the request that it waits for; None where it is in force."""

    name: str
    secret_text: str = field(repr=False)
    request: UserRequest | None


async def create_key(engine: AsyncEngine, by: Principal, wish: KeyWish, *, now: datetime) -> Made:
    """Make a key; one with rights over members waits for the second person. Raises ``BadInput``."""
    if code := text_problem(wish.source):
        raise BadInput([FieldError("source", code, {"limit": MAX_TEXT})])
    if not wish.scopes:
        raise BadInput([FieldError("scope", "missing")])
    waits = Scope.MEMBERS_WRITE in wish.scopes and not wish.test
    made = new_key()
    async with acting(engine, by, Permission.KEYS_CHANGE) as conn:
        await keys.add(
            conn,
            made.key_id,
            wish.source,
            made.hash,
            test=wish.test,
            scopes=wish.scopes,
            expires_at=now + wish.lasts if wish.lasts else None,
            is_confirmed=not waits,
            actor=by.actor,
            now=now,
        )
        await _note(conn, f"new:{made.key_id}", by, now)
        asked = await ask(conn, by, RequestKind.KEY, made.key_id, now) if waits else None
    return Made(made.key_id, made.secret_text, asked.request if asked else None)


async def revoke_key(engine: AsyncEngine, by: Principal, key_id: str, *, now: datetime) -> None:
    """Put a key out of force at once. Raises ``NotFound``."""
    async with acting(engine, by, Permission.KEYS_CHANGE) as conn:
        if not await keys.revoke(conn, key_id, now=now):
            raise NotFound("key", key_id)
        await _note(conn, f"revoked:{key_id}", by, now)


async def all_keys(engine: AsyncEngine, by: Principal) -> list[ListedKey]:
    """All keys, without their hashes."""
    by.require(Permission.KEYS_READ)
    async with engine.connect() as conn:
        return list(await keys.everything(conn))


async def create_service(
    engine: AsyncEngine,
    by: Principal,
    name: str,
    scopes: frozenset[Permission],
    lasts: timedelta,
    *,
    now: datetime,
) -> Made:
    """Make a service account. It never approves, releases, exports or grants.

    One with rights over members waits for the second person. Raises ``BadInput``, ``NotAllowed``.
    """
    wrong = [] if _SERVICE.fullmatch(name) else [FieldError("name", "bad_login")]
    if not scopes:
        wrong.append(FieldError("scope", "missing"))
    wrong += [FieldError("scope", "not_for_services") for s in scopes if s not in FOR_SERVICES]
    if not timedelta(0) < lasts <= LONGEST:
        wrong.append(FieldError("days", "bad_days", {"limit": LONGEST.days}))
    if wrong:
        raise BadInput(wrong)
    token, waits = fresh_token(f"nt_{name}"), over_members(scopes)
    async with acting(engine, by, Permission.KEYS_CHANGE) as conn:
        if not await service_accounts.add(
            conn,
            name,
            hash_of_token(token),
            scopes,
            by=by.actor.name,
            now=now,
            until=now + lasts,
            is_confirmed=not waits,
        ):
            raise NotAllowed(f"{name} is there", code="service_is_there", name=name)
        await _note(conn, f"service:{name}", by, now)
        asked = await ask(conn, by, RequestKind.SERVICE, name, now) if waits else None
    return Made(name, token, asked.request if asked else None)


async def revoke_service(engine: AsyncEngine, by: Principal, name: str, *, now: datetime) -> None:
    """Put a service account out of force at once. Raises ``NotFound``."""
    async with acting(engine, by, Permission.KEYS_CHANGE) as conn:
        if not await service_accounts.revoke(conn, name, now=now):
            raise NotFound("service", name)
        await _note(conn, f"service-revoked:{name}", by, now)


async def all_services(engine: AsyncEngine, by: Principal) -> list[ListedService]:
    """All service accounts."""
    by.require(Permission.KEYS_READ)
    async with engine.connect() as conn:
        return await service_accounts.everyone(conn)


async def _note(conn: AsyncConnection, reason: str, by: Principal, now: datetime) -> None:
    await log.append(conn, "key", [{"reason": reason}], actor=by.actor, now=now)
