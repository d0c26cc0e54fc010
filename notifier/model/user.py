"""Users: people with credentials, their sessions, and what two of them decide together."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Self

from .actor import Actor, ActorKind
from .errors import NotAllowed
from .role import RULES, Permission, Role, permissions_of

#: How long a session lasts at most, and without an act.
SESSION: Final = timedelta(hours=8)
IDLE: Final = timedelta(hours=1)
#: How long a request waits for its second person, and an invitation for whoever is invited.
OPEN: Final = timedelta(days=7)
#: Wrong answers in a row that cost nothing; from then on each doubles the wait.
_FREE_TRIES: Final = 5
_FIRST_WAIT: Final = timedelta(minutes=1)
_LONGEST_WAIT: Final = timedelta(hours=1)
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,39}")
_SHORTEST: Final = 12
_LONGEST: Final = 256


class UserState(StrEnum):
    """Where a user stands. Labels: ``user_state.<value>``."""

    REGISTERED = "registered"  # alerts reach them; they cannot sign in
    ACTIVE = "active"
    DISABLED = "disabled"


class RequestKind(StrEnum):
    """What needs a second person. Labels: ``request.<value>``."""

    FIRST = "first"  # the first administrator of the record; nobody could confirm it
    FOUNDING = "founding"  # the second one, while there is nobody else who could
    INVITATION = "invitation"
    RESET = "reset"  # new credentials for somebody who has lost all
    GRANT = "grant"  # of a role that approves or administers
    ENABLE = "enable"
    KEY = "key"  # an API key with rights over members
    SERVICE = "service"  # a service account with rights over members


@dataclass(frozen=True, slots=True)
class User:
    """A user, without anything secret."""

    user_id: int
    login: str
    name: str
    email: str
    alerts: bool  # whether alerts about tasks reach them
    state: UserState
    roles: frozenset[Role]
    created_at: datetime

    def is_administrator(self) -> bool:
        """Whether they administer now."""
        return self.state is UserState.ACTIVE and Role.ADMINISTRATOR in self.roles


@dataclass(frozen=True, slots=True)
class UserRequest:
    """Something that one administrator asks for and another confirms."""

    request_id: int
    kind: RequestKind
    subject: str  # login of a user, id of a key, name of a service account
    roles: frozenset[Role]
    requested_by: str  # login
    requested_at: datetime
    expires_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    done_at: datetime | None  # accepted, or taken back

    def waits(self, now: datetime) -> bool:
        """Whether it waits for its second person."""
        return self.confirmed_at is None and self.done_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Somebody who has proved who they are, and what they may do."""

    actor: Actor
    roles: frozenset[Role] = frozenset()
    permissions: frozenset[Permission] = frozenset()
    is_proven: bool = False  # by a second factor, for this act alone

    @classmethod
    def of(cls, user: User, *, is_proven: bool = False) -> Self:
        """Return the principal that a user is."""
        return cls(
            actor=Actor(ActorKind.USER, user.login),
            roles=user.roles,
            permissions=permissions_of(user.roles),
            is_proven=is_proven,
        )

    def require(self, permission: Permission) -> None:
        """Raise ``NotAllowed`` unless they may do this now."""
        if permission not in self.permissions:
            text = f"{self.actor} has no right to {permission}"
            raise NotAllowed(text, code="no_right", permission=permission)
        if RULES[permission].needs_second_factor and not self.is_proven:
            text = f"{permission} asks for a second factor"
            raise NotAllowed(text, code="second_factor_needed")


def wait_after(failures: int) -> timedelta:
    """How long no answer counts after so many wrong ones in a row."""
    if failures < _FREE_TRIES:
        return timedelta(0)
    doublings: int = min(failures - _FREE_TRIES, 10)
    return min(_FIRST_WAIT * (1 << doublings), _LONGEST_WAIT)


def login_problem(login: str) -> str | None:
    """Return the code of what is wrong with a login: ASCII in lower case, so that none looks
    like another.
    """
    return None if _LOGIN.fullmatch(login) else "bad_login"


def password_problem(password: str, login: str) -> str | None:
    """Return the code of what is wrong with a new password."""
    text = normal_password(password)
    if len(text) < _SHORTEST:
        return "password_short"
    if len(text) > _LONGEST or any(unicodedata.category(c) == "Cc" for c in text):
        return "password_unusable"
    if len(set(text)) < 5 or login in text.lower():
        return "password_guessable"
    return None


def normal_password(password: str) -> str:
    """A password as it is hashed: the same from every keyboard (NFKC)."""
    return unicodedata.normalize("NFKC", password)
