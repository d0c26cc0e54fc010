"""Users: who is let in, what they may do, and what two administrators must agree on.

Every act takes the principal who does it, and looks again, in its own transaction, whether they
may still do it. Nobody alone lets anybody in: an invitation has two codes, of which the one who
asks gets the first and the one who confirms the second.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.intake.addresses import parse_email
from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.role import FOUR_EYES, Permission, Role
from notifier.model.user import (
    OPEN,
    Principal,
    RequestKind,
    User,
    UserRequest,
    UserState,
    login_problem,
)
from notifier.store import keys, log, service_accounts, user_requests, users

from .credentials import fresh_code, hash_of_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as they are registered."""

    login: str
    name: str
    email: str
    alerts: bool = True  # whether alerts about tasks reach them

    def checked(self, *, is_known: bool = False) -> "Person":
        """Return the person with the address in its usual form; the login of a known one stays.

        Raises ``BadInput``.
        """
        wrong = []
        if not is_known and (code := login_problem(self.login)):
            wrong.append(FieldError("login", code))
        if code := text_problem(self.name):
            wrong.append(FieldError("name", code, {"limit": MAX_TEXT}))
        if wrong:
            raise BadInput(wrong)
        email = parse_email(self.email)
        return Person(login=self.login, name=self.name, email=email, alerts=self.alerts)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that waits, and the first code of an invitation; None of anything else."""

    request: UserRequest
    code: str | None = field(default=None, repr=False)


async def register(engine: AsyncEngine, by: Principal, person: Person, *, now: datetime) -> None:
    """Register somebody whom alerts reach, or change name and address; nobody is let in by it."""
    async with acting(engine, by, Permission.ALERTS_CHANGE) as conn:
        is_known = await users.get(conn, person.login) is not None
        await save(conn, person.checked(is_known=is_known), now)
        await note(conn, f"saved:{person.login}", by.actor, now)


async def invite(
    engine: AsyncEngine, by: Principal, person: Person, roles: frozenset[Role], *, now: datetime
) -> Asked:
    """Ask that somebody be let in with these roles. The first code is for whoever is invited.

    While the first administrator is alone there is nobody who could confirm: the second
    administrator, and nobody else, is invited without. Raises ``NotAllowed``, ``BadInput``.
    """
    person = person.checked()
    if not roles:
        raise BadInput([FieldError("role", "missing")])
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        found = await users.get(conn, person.login)
        if found is not None and found.state is not UserState.REGISTERED:
            raise NotAllowed(f"{person.login} is a user", code="is_user", login=person.login)
        alone = await users.with_credentials(conn) == 1
        if alone and Role.ADMINISTRATOR not in roles:
            raise NotAllowed("a second administrator comes first", code="second_first")
        kind = RequestKind.FOUNDING if alone else RequestKind.INVITATION
        await save(conn, person, now)
        return await ask(conn, by, kind, person.login, now, roles=roles)


async def grant(
    engine: AsyncEngine, by: Principal, login: str, role: Role, *, now: datetime
) -> Asked | None:
    """Give a role; None where it is given at once, else the request for the second person."""
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        user = await _another(conn, by, login)
        if user.state is not UserState.ACTIVE:
            raise NotAllowed(f"{login} is not active", code="not_active", login=login)
        if role in user.roles:
            raise NotAllowed(f"{login} has it", code="has_role", login=login, role=role)
        if role in FOUR_EYES:
            return await ask(conn, by, RequestKind.GRANT, login, now, roles=frozenset({role}))
        await users.add_role(conn, user.user_id, role, by=by.actor.name, now=now)
        await note(conn, f"granted:{role}:{login}", by.actor, now)
        return None


async def revoke(
    engine: AsyncEngine, by: Principal, login: str, role: Role, *, now: datetime
) -> None:
    """Take a role away, and what was asked or confirmed by its right."""
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        user = await known(conn, login)
        if role not in user.roles:
            raise NotAllowed(f"{login} has no such role", code="lacks_role", login=login, role=role)
        if role is Role.ADMINISTRATOR:
            await _not_the_last(conn, user)
            await user_requests.void(conn, login, now=now)
        await users.remove_role(conn, user.user_id, role)
        await note(conn, f"revoked:{role}:{login}", by.actor, now)


async def disable(engine: AsyncEngine, by: Principal, login: str, *, now: datetime) -> None:
    """Let a user in no more: sessions end at once, open requests of and about them are void."""
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        user = await known(conn, login)
        if user.state is UserState.DISABLED:
            raise NotAllowed(f"{login} is disabled", code="is_disabled", login=login)
        await _not_the_last(conn, user)
        await users.set_state(conn, user.user_id, UserState.DISABLED)
        await users.end_sessions(conn, user.user_id)
        await user_requests.void(conn, login, now=now)
        await note(conn, f"disabled:{login}", by.actor, now)


async def enable(engine: AsyncEngine, by: Principal, login: str, *, now: datetime) -> Asked:
    """Ask that a disabled user be let in again, with the roles they had."""
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        user = await _another(conn, by, login)
        if user.state is not UserState.DISABLED:
            raise NotAllowed(f"{login} is not disabled", code="not_disabled", login=login)
        return await ask(conn, by, RequestKind.ENABLE, login, now, roles=user.roles)


async def reset(engine: AsyncEngine, by: Principal, login: str, *, now: datetime) -> Asked:
    """Ask for new credentials for somebody who has lost password, authenticator and codes."""
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        user = await _another(conn, by, login)
        if user.state is not UserState.ACTIVE:
            raise NotAllowed(f"{login} is not active", code="not_active", login=login)
        return await ask(conn, by, RequestKind.RESET, login, now, roles=user.roles)


async def confirm(engine: AsyncEngine, by: Principal, request_id: int, *, now: datetime) -> Asked:
    """Agree to what another administrator has asked for; an invitation gets its second code.

    Raises ``NotAllowed`` for whoever has asked, whom it is about, or when it waits no more.
    """
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        request = await user_requests.get(conn, request_id)
        if request is None:
            raise NotFound("request", request_id)
        me = by.actor.name
        if me in (request.requested_by, request.subject):
            raise NotAllowed("a second person is needed", code="second_person")
        if not request.waits(now):
            raise NotAllowed("it waits no more", code="waits_no_more", request=request_id)
        if not await still_administers(conn, request.requested_by):
            raise NotAllowed("whoever asked may not", code="waits_no_more", request=request_id)
        invites = request.kind in (RequestKind.INVITATION, RequestKind.RESET)
        code = fresh_code() if invites else None
        hashed = hash_of_code(code) if code else None
        await user_requests.confirm(conn, request_id, by=me, now=now, until=now + OPEN, code=hashed)
        await _carry_out(conn, request, now)
        await note(conn, f"confirmed:{request.kind}:{request.subject}", by.actor, now)
        return Asked(request, code)


async def withdraw(
    engine: AsyncEngine, by: Principal, request_id: int, *, now: datetime
) -> UserRequest:
    """Take a request back, one's own or another's, also an invitation that is confirmed."""
    async with acting(engine, by, Permission.USERS_CHANGE) as conn:
        request = await user_requests.get(conn, request_id)
        if request is None:
            raise NotFound("request", request_id)
        if not await user_requests.finish(conn, request_id, now=now):
            raise NotAllowed("it waits no more", code="waits_no_more", request=request_id)
        await note(conn, f"withdrawn:{request.kind}:{request.subject}", by.actor, now)
        return request


async def everyone(engine: AsyncEngine, by: Principal) -> list[User]:
    """All users."""
    by.require(Permission.USERS_READ)
    async with engine.connect() as conn:
        return await users.everyone(conn)


async def find(engine: AsyncEngine, by: Principal, login: str) -> User:
    """Return one user. Raises ``NotFound``."""
    by.require(Permission.USERS_READ)
    async with engine.connect() as conn:
        return await known(conn, login)


async def requests(engine: AsyncEngine, by: Principal, *, now: datetime) -> list[UserRequest]:
    """All requests that are open."""
    by.require(Permission.USERS_READ)
    async with engine.connect() as conn:
        return await user_requests.open_ones(conn, now=now)


@asynccontextmanager
async def acting(
    engine: AsyncEngine, by: Principal, permission: Permission
) -> AsyncIterator[AsyncConnection]:
    """A transaction in which somebody changes users, one after the other.

    Raises ``NotAllowed`` where they have no right to it, or lost it since they signed in.
    """
    by.require(permission)
    async with engine.begin() as conn:
        await users.lock(conn)
        user = await users.get(conn, by.actor.name)
        if user is None or user.state is not UserState.ACTIVE:
            raise NotAllowed(f"{by.actor} is not active", code="no_right", permission=permission)
        Principal.of(user, is_proven=by.is_proven).require(permission)
        yield conn


async def save(conn: AsyncConnection, person: Person, now: datetime) -> None:
    """Register a person, or change name, address and whether alerts reach them."""
    await users.save(conn, person.login, person.name, person.email, alerts=person.alerts, now=now)


async def known(conn: AsyncConnection, login: str) -> User:
    """Return the user of this login. Raises ``NotFound``."""
    user = await users.get(conn, login)
    if user is None:
        raise NotFound("user", login)
    return user


async def still_administers(conn: AsyncConnection, login: str | None) -> bool:
    """Whether somebody who has asked or confirmed has the right to it now."""
    user = await users.get(conn, login) if login else None
    return user is not None and user.is_administrator()


async def note(conn: AsyncConnection, reason: str, actor: Actor, now: datetime) -> None:
    """Put on the log what was done to whom."""
    await log.append(conn, "user", [{"reason": reason}], actor=actor, now=now)


async def ask(
    conn: AsyncConnection,
    by: Principal,
    kind: RequestKind,
    subject: str,
    now: datetime,
    *,
    roles: frozenset[Role] = frozenset(),
) -> Asked:
    """Put a request on record, and on the log. One about the same must not be open."""
    if any(r.subject == subject for r in await user_requests.open_ones(conn, now=now)):
        raise NotAllowed(f"{subject} has a request", code="request_open", subject=subject)
    invites = kind in (RequestKind.FOUNDING, RequestKind.INVITATION, RequestKind.RESET)
    code = fresh_code() if invites else None
    number = await user_requests.ask(
        conn,
        kind,
        subject,
        roles=roles,
        by=by.actor.name,
        now=now,
        until=now + OPEN,
        code=hash_of_code(code) if code else None,
    )
    await note(conn, f"requested:{kind}:{subject}", by.actor, now)
    request = await user_requests.get(conn, number)
    assert request is not None
    return Asked(request, code)


async def _another(conn: AsyncConnection, by: Principal, login: str) -> User:
    """Return the user; nobody does to themselves what needs others."""
    if login == by.actor.name:
        raise NotAllowed("nobody does this to themselves", code="not_oneself")
    return await known(conn, login)


async def _not_the_last(conn: AsyncConnection, user: User) -> None:
    if user.is_administrator() and not any(
        u.is_administrator() for u in await users.everyone(conn) if u.user_id != user.user_id
    ):
        raise NotAllowed("one stays", code="last_administrator", login=user.login)


async def _carry_out(conn: AsyncConnection, request: UserRequest, now: datetime) -> None:
    """Do at once what two have agreed on, but for invitations, which are accepted later."""
    match request.kind:
        case RequestKind.KEY:
            await keys.confirm(conn, request.subject)
        case RequestKind.SERVICE:
            await service_accounts.confirm(conn, request.subject)
        case RequestKind.ENABLE:
            user = await known(conn, request.subject)
            await users.set_state(conn, user.user_id, UserState.ACTIVE)
        case RequestKind.GRANT:
            user = await known(conn, request.subject)
            if user.state is not UserState.ACTIVE:
                raise NotAllowed("not active", code="not_active", login=user.login)
            await give(conn, user, request, now)


async def give(conn: AsyncConnection, user: User, request: UserRequest, now: datetime) -> None:
    """Give the roles of a request."""
    for role in sorted(request.roles):
        await users.add_role(
            conn,
            user.user_id,
            role,
            by=request.requested_by,
            request_id=request.request_id,
            now=now,
        )
