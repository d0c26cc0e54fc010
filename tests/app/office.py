"""An office of users, made by the use cases that make any, and tables of attempts on it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app import new_credentials, sign_in, users
from notifier.app.credentials import NewCredentials, Passwords, enrolment
from notifier.app.new_credentials import Welcome
from notifier.app.users import Person
from notifier.model.errors import BadInput, NotAllowed, NotFound
from notifier.model.role import Role
from notifier.model.user import Principal

#: As cheap as the settings allow.
PASSWORDS = Passwords(memory=8192, passes=1)
BEGIN = datetime(2025, 7, 16, 0, 0, tzinfo=UTC)
PASSWORD = "correct-horse-渚-staple"


def person(login: str, *, alerts: bool = False) -> Person:
    return Person(
        login=login, name=f"{login} 太郎", email=f"{login}@office.example.jp", alerts=alerts
    )


@dataclass
class Colleague:
    """Somebody with an authenticator of their own."""

    login: str
    secret: str
    token: str
    recovery: list[str]

    def code(self, now: datetime) -> str:
        return pyotp.TOTP(self.secret).at(now)


@dataclass
class Office:
    """Users of one record. Its clock goes on by a minute with each act that takes a code."""

    engine: AsyncEngine
    now: datetime = BEGIN
    staff: dict[str, Colleague] = field(default_factory=dict)

    def later(self, by: timedelta = timedelta(minutes=1)) -> datetime:
        self.now += by
        return self.now

    def new(self, login: str) -> tuple[NewCredentials, str]:
        secret = enrolment(login).secret
        code = pyotp.TOTP(secret).at(self.now)
        return NewCredentials(PASSWORD, secret, code), secret

    def _joined(self, login: str, secret: str, welcome: Welcome) -> Colleague:
        token, codes = welcome.session.token, list(welcome.recovery_codes)
        self.staff[login] = Colleague(login, secret, token, codes)
        return self.staff[login]

    async def first(self, login: str) -> Colleague:
        new, secret = self.new(login)
        made = await new_credentials.first(self.engine, PASSWORDS, person(login), new, now=self.now)
        return self._joined(login, secret, made)

    async def signed_in(self, login: str) -> Principal:
        """Who they are by their session, without a second factor."""
        found = await sign_in.principal_of(self.engine, self.staff[login].token, now=self.now)
        assert found is not None
        return found

    async def proven(self, login: str) -> Principal:
        """Who they are, with the second factor of this moment."""
        now = self.later()
        code = self.staff[login].code(now)
        return await sign_in.prove(self.engine, await self.signed_in(login), code, now=now)

    async def joins(
        self, login: str, roles: set[Role], *, asks: str, confirms: str = ""
    ) -> Colleague:
        """Invited by one, confirmed by another (but for the second administrator), accepted."""
        asked = await users.invite(
            self.engine, await self.proven(asks), person(login), frozenset(roles), now=self.now
        )
        codes = [asked.code or ""]
        if confirms:
            number = asked.request.request_id
            agreed = await users.confirm(
                self.engine, await self.proven(confirms), number, now=self.now
            )
            codes.append(agreed.code or "")
        return await self.accepts(login, codes)

    async def accepts(self, login: str, codes: list[str]) -> Colleague:
        new, secret = self.new(login)
        made = await new_credentials.accept(self.engine, PASSWORDS, login, codes, new, now=self.now)
        return self._joined(login, secret, made)


async def office(engine: AsyncEngine, *, now: datetime = BEGIN) -> Office:
    """Two administrators, mori and hara, and kishi, who has every role but administrator."""
    made = Office(engine, now)
    await made.first("mori")
    await made.joins("hara", {Role.ADMINISTRATOR}, asks="mori")
    rest = set(Role) - {Role.ADMINISTRATOR}
    await made.joins("kishi", rest, asks="mori", confirms="hara")
    return made


Attempt = Callable[[Office], Awaitable[None]]


class Table:
    """Attempts that must fail, each with the code of the refusal that it ends with."""

    def __init__(self) -> None:
        self.rows: list[Any] = []

    def __call__(self, code: str) -> Callable[[Attempt], Attempt]:
        def row(attempt: Attempt) -> Attempt:
            self.rows.append(pytest.param(code, attempt, id=attempt.__name__))
            return attempt

        return row


async def refusal(attempt: Awaitable[object]) -> str:
    """The code of the refusal that an attempt ends with, or of the first field that is wrong."""
    with pytest.raises((NotAllowed, BadInput, NotFound, IntegrityError)) as caught:
        await attempt
    if isinstance(caught.value, NotAllowed):
        return caught.value.code
    if isinstance(caught.value, BadInput):
        return caught.value.errors[0].code
    return type(caught.value).__name__


async def try_sign_in(o: Office, login: str, password: str, code: str) -> None:
    await sign_in.sign_in(o.engine, PASSWORDS, login, password, code, now=o.now)


async def sign_in_again(o: Office, login: str) -> None:
    code = o.staff[login].code(o.now)
    made = await sign_in.sign_in(o.engine, PASSWORDS, login, PASSWORD, code, now=o.now)
    o.staff[login].token = made.token


async def invited(o: Office, login: str = "umino") -> tuple[int, list[str]]:
    """The number of an invitation that two have agreed on, and both of its codes."""
    asked = await users.invite(
        o.engine, await o.proven("mori"), person(login), frozenset({Role.OPERATOR}), now=o.now
    )
    number = asked.request.request_id
    agreed = await users.confirm(o.engine, await o.proven("hara"), number, now=o.now)
    return number, [asked.code or "", agreed.code or ""]
