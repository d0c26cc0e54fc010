"""Who is there: signing in, sessions, the second factor at the moment of an act.

Whoever cannot prove who they are gets the same answer, after the same work, whether the login is
unknown, the password or code is wrong, or there were too many tries.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor, ActorKind, system
from notifier.model.errors import NotAllowed
from notifier.model.user import IDLE, SESSION, Principal, User, UserState, wait_after
from notifier.store import log, service_accounts, users
from notifier.store.users import Credentials

from .credentials import Passwords, fresh_token, hash_of_code, hash_of_token, step_of

SIGN_IN: Final = system("sign-in")
_SESSION: Final = "ns"


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was just opened; the token is shown to nobody but its file."""

    user: User
    token: str = field(repr=False)
    expires_at: datetime


async def is_nobody_yet(engine: AsyncEngine) -> bool:
    """Whether nobody ever could sign in: the record waits for its first administrator."""
    async with engine.connect() as conn:
        return await users.with_credentials(conn) == 0


async def sign_in(
    engine: AsyncEngine,
    passwords: Passwords,
    login: str,
    password: str,
    code: str,
    *,
    now: datetime,
) -> Session:
    """Open a session for whoever knows the password and has the second factor.

    ``code``: of the authenticator, or a recovery code. Raises ``NotAllowed``.
    """
    async with engine.connect() as conn:
        known = await users.credentials(conn, login)
    knows = await passwords.matches(known.password_hash if known else None, password)
    async with engine.begin() as conn:
        kept = await users.credentials(conn, login, locking=True)
        if kept is None or known is None or kept.password_hash != known.password_hash:
            knows = False  # it was changed meanwhile
        if await _proves(conn, kept, code, knows=knows, login=login, now=now):
            user = await users.get(conn, login)
            assert user is not None
            return await open_session(conn, user, now=now)
    raise NotAllowed(f"sign-in of {login!r} refused", code="sign_in_refused")


async def open_session(conn: AsyncConnection, user: User, *, now: datetime) -> Session:
    """Open a session for somebody who has just proved who they are."""
    token, until = fresh_token(_SESSION), now + SESSION
    await users.open_session(conn, user.user_id, hash_of_token(token), now=now, until=until)
    await _note(conn, f"signed_in:{user.login}", Actor(ActorKind.USER, user.login), now)
    return Session(user, token, until)


async def sign_out(engine: AsyncEngine, token: str) -> None:
    """End a session; one that is over already stays over."""
    async with engine.begin() as conn:
        await users.end_session(conn, hash_of_token(token))


async def principal_of(engine: AsyncEngine, token: str, *, now: datetime) -> Principal | None:
    """Return whoever has a session in force; None where it is over, or its user is disabled."""
    async with engine.begin() as conn:
        login = await users.touch_session(
            conn, hash_of_token(token), now=now, idle_since=now - IDLE
        )
        user = await users.get(conn, login) if login else None
    return Principal.of(user) if user else None


async def prove(engine: AsyncEngine, by: Principal, code: str, *, now: datetime) -> Principal:
    """Return the principal with a second factor that counts for the act at hand, and once.

    Raises ``NotAllowed`` where the code is wrong or used, or after too many tries.
    """
    login = by.actor.name
    async with engine.begin() as conn:
        kept = await users.credentials(conn, login, locking=True)
        if by.actor.kind is ActorKind.USER and await _proves(
            conn, kept, code, knows=True, login=login, now=now
        ):
            user = await users.get(conn, login)
            assert user is not None
            return Principal.of(user, is_proven=True)
    raise NotAllowed(f"second factor of {login} refused", code="second_factor_refused")


async def service_of(engine: AsyncEngine, token: str, *, now: datetime) -> Principal:
    """Return the principal of a service account's token. Raises ``NotAllowed``."""
    name = token.split("_", 2)[1] if token.startswith("nt_") and token.count("_") > 1 else ""
    async with engine.connect() as conn:
        found = await service_accounts.get(conn, name) if name else None
    if found is None or found.token_hash != hash_of_token(token) or not found.in_force(now):
        raise NotAllowed("the token of a service account is not in force", code="token_refused")
    return Principal(actor=Actor(ActorKind.SERVICE, name), permissions=found.scopes)


async def counted(
    conn: AsyncConnection,
    kept: Credentials | None,
    good: Callable[[Credentials], Awaitable[int | None]],
    *,
    login: str,
    now: datetime,
) -> bool:
    """Whether an answer is good; one that is not counts against the login, and makes it wait.

    ``good``: uses the answer up, and returns the last step used of the second factor, or None.
    """
    if kept is None or kept.state is not UserState.ACTIVE:
        return False
    if kept.locked_until is not None and now < kept.locked_until:
        return False
    if (step := await good(kept)) is not None:
        await users.note_step(conn, kept.user_id, step)
        return True
    failures = kept.failures + 1
    wait = wait_after(failures)
    await users.note_failure(conn, kept.user_id, failures, now + wait if wait else None)
    await _note(conn, f"{'locked' if wait else 'refused'}:{login}", SIGN_IN, now)
    return False


async def _proves(
    conn: AsyncConnection,
    kept: Credentials | None,
    code: str,
    *,
    knows: bool,
    login: str,
    now: datetime,
) -> bool:
    """Whether a code of the authenticator, or a recovery code, counts; it is used up."""

    async def good(kept: Credentials) -> int | None:
        if not knows:
            return None
        step = step_of(kept.totp_secret, code, now, after=kept.last_step)
        if step is not None:
            return step
        is_recovery = await users.use_recovery_code(conn, kept.user_id, hash_of_code(code), now=now)
        return kept.last_step if is_recovery else None

    return await counted(conn, kept, good, login=login, now=now)


async def _note(conn: AsyncConnection, reason: str, actor: Actor, now: datetime) -> None:
    await log.append(conn, "sign_in", [{"reason": reason}], actor=actor, now=now)
