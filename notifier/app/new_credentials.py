"""Choosing credentials: the first administrator, whoever is invited, whoever has lost something."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor, ActorKind, system
from notifier.model.errors import NotAllowed
from notifier.model.role import FIRST
from notifier.model.user import RequestKind, User, UserRequest, UserState
from notifier.store import user_requests, users
from notifier.store.users import Credentials

from .credentials import (
    NewCredentials,
    Passwords,
    all_match,
    hash_of_code,
    recovery_codes,
    step_of,
)
from .sign_in import Session, counted, open_session
from .users import Person, give, known, note, save, still_administers

_FIRST: Final = system("users-first")


@dataclass(frozen=True, slots=True)
class Welcome:
    """Somebody who has credentials from now on: a session, and the codes for bad days."""

    session: Session
    recovery_codes: Sequence[str] = field(repr=False)


async def check_first(engine: AsyncEngine) -> None:
    """Raise ``NotAllowed`` unless the record waits for its first administrator."""
    async with engine.connect() as conn:
        if await users.with_credentials(conn):
            raise _not_the_first()


async def first(
    engine: AsyncEngine, passwords: Passwords, person: Person, new: NewCredentials, *, now: datetime
) -> Welcome:
    """Make the first administrator of a record in which nobody ever could sign in.

    Raises ``NotAllowed`` in any other record, ``BadInput``.
    """
    person, step = person.checked(), new.step(person.login, now)
    hashed = await passwords.hashed(new.password)
    async with engine.begin() as conn:
        await users.lock(conn)
        if await users.with_credentials(conn):
            raise _not_the_first()
        await save(conn, person, now)
        user = await known(conn, person.login)
        number = await user_requests.ask(
            conn, RequestKind.FIRST, user.login, roles=FIRST, by=str(_FIRST), now=now, until=now
        )
        await user_requests.finish(conn, number, now=now)
        request = await user_requests.get(conn, number)
        assert request is not None
        await give(conn, user, request, now)
        await note(conn, f"first:{user.login}", _FIRST, now)
        return await _let_in(conn, user, hashed, new.secret, step, now)


async def accept(
    engine: AsyncEngine,
    passwords: Passwords,
    login: str,
    codes: Sequence[str],
    new: NewCredentials,
    *,
    now: datetime,
) -> Welcome:
    """Accept an invitation, or a reset, with both of its codes, and choose credentials.

    Raises ``BadInput``, or ``NotAllowed``, the same for whatever stands in the way.
    """
    step = new.step(login, now)
    hashed = await passwords.hashed(new.password)
    async with engine.begin() as conn:
        await users.lock(conn)
        user = await users.get(conn, login)
        request = await _accepted(conn, login, codes, now)
        if user is None or user.state is UserState.DISABLED:
            raise _refused()
        await user_requests.finish(conn, request.request_id, now=now)
        if request.kind is RequestKind.RESET:
            await users.end_sessions(conn, user.user_id)
        else:
            await give(conn, user, request, now)
        await note(conn, f"accepted:{request.kind}:{login}", _actor(login), now)
        return await _let_in(conn, user, hashed, new.secret, step, now)


async def recover(
    engine: AsyncEngine,
    passwords: Passwords,
    login: str,
    recovery_code: str,
    other: str,
    new: NewCredentials,
    *,
    now: datetime,
) -> Welcome:
    """Choose new credentials with a recovery code and ``other``: the password or a code.

    One of the three may be lost, never two. Raises ``BadInput``, ``NotAllowed``.
    """
    step = new.step(login, now)
    async with engine.connect() as conn:
        before = await users.credentials(conn, login)
    knows = await passwords.matches(before.password_hash if before else None, other)
    hashed = await passwords.hashed(new.password)
    async with engine.begin() as conn:
        await users.lock(conn)
        kept = await users.credentials(conn, login, locking=True)

        async def good(kept: Credentials) -> int | None:
            has_other = (knows and kept == before) or step_of(
                kept.totp_secret, other, now, after=kept.last_step
            ) is not None
            code = hash_of_code(recovery_code)
            if has_other and await users.use_recovery_code(conn, kept.user_id, code, now=now):
                return kept.last_step
            return None

        if await counted(conn, kept, good, login=login, now=now):
            user = await known(conn, login)
            await users.end_sessions(conn, user.user_id)
            await note(conn, f"recovered:{login}", _actor(login), now)
            return await _let_in(conn, user, hashed, new.secret, step, now)
    raise NotAllowed(f"recovery of {login!r} refused", code="sign_in_refused")


async def _accepted(
    conn: AsyncConnection, login: str, codes: Sequence[str], now: datetime
) -> UserRequest:
    """Return the invitation that these codes open, if whoever stands behind it still may."""
    request = await user_requests.invitation_of(conn, login, now=now)
    if request is None:
        raise _refused()
    is_founding = request.kind is RequestKind.FOUNDING
    kept = [request.first_code] + ([request.second_code] if request.second_code else [])
    behind = [request.requested_by] + ([] if is_founding else [request.confirmed_by or ""])
    if not all_match(codes, kept) or len(kept) != len(behind):
        raise _refused()
    for login_of in behind:
        if not await still_administers(conn, login_of):
            raise _refused()
    if is_founding and await users.with_credentials(conn) != 1:
        raise _refused()
    return request


async def _let_in(
    conn: AsyncConnection, user: User, hashed: str, secret: str, step: int, now: datetime
) -> Welcome:
    """Keep credentials, make new recovery codes, open the first session."""
    await users.save_credentials(conn, user.user_id, hashed, secret, step=step, now=now)
    codes = recovery_codes()
    await users.replace_recovery_codes(conn, user.user_id, map(hash_of_code, codes))
    await users.set_state(conn, user.user_id, UserState.ACTIVE)
    return Welcome(await open_session(conn, await known(conn, user.login), now=now), codes)


def _actor(login: str) -> Actor:
    return Actor(ActorKind.USER, login)


def _not_the_first() -> NotAllowed:
    return NotAllowed("there are users already", code="not_the_first")


def _refused() -> NotAllowed:
    return NotAllowed("no such invitation, or a wrong code", code="invitation_refused")
