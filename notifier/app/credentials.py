"""What people and scripts prove with who they are: passwords, second factors, codes, tokens."""

import asyncio
import base64
import hashlib
import hmac
import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.user import normal_password, password_problem

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_STEP: Final = 30  # seconds that a code of the second factor is shown for (RFC 6238)
_DIGITS: Final = re.compile(r"[0-9]{6}")
_ISSUER: Final = "notifier"
_RECOVERY_CODES: Final = 10
_BLANKS: Final = re.compile(r"[\s-]+")


@dataclass(frozen=True, slots=True)
class Passwords:
    """How passwords are hashed (argon2id). ``memory``: KiB that one takes, ``passes`` over it."""

    memory: int
    passes: int

    async def hashed(self, password: str) -> str:
        """Return what is kept of a password."""
        return await asyncio.to_thread(self._hasher().hash, normal_password(password))

    async def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one kept; where none is, it takes as long to say no."""
        from argon2.exceptions import Argon2Error, InvalidHashError

        if kept is None:
            await self.hashed(password)
            return False
        try:
            return await asyncio.to_thread(self._hasher().verify, kept, normal_password(password))
        except (Argon2Error, InvalidHashError):
            return False

    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=self.passes, memory_cost=self.memory, parallelism=1)


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The seed of a second factor, as an authenticator takes it."""

    login: str
    secret: str = field(repr=False)

    @property
    def uri(self) -> str:
        """The seed as an ``otpauth://`` address."""
        import pyotp

        return pyotp.TOTP(self.secret).provisioning_uri(name=self.login, issuer_name=_ISSUER)

    @property
    def groups(self) -> str:
        """The seed in groups of four, to be typed."""
        return in_groups(self.secret)


@dataclass(frozen=True, slots=True)
class NewCredentials:
    """What somebody chooses to prove themselves with; ``code``: shown by their authenticator."""

    password: str = field(repr=False)
    secret: str = field(repr=False)
    code: str = field(repr=False)

    def step(self, login: str, now: datetime) -> int:
        """Return the step of the code. Raises ``BadInput`` where anything of it cannot be used."""
        wrong = []
        if problem := password_problem(self.password, login):
            wrong.append(FieldError("password", problem))
        step = step_of(self.secret, self.code, now)
        if step is None:
            wrong.append(FieldError("code", "bad_code"))
        if wrong or step is None:
            raise BadInput(wrong)
        return step


def enrolment(login: str) -> Enrolment:
    """Return a fresh seed, of 160 bits."""
    import pyotp

    return Enrolment(login, pyotp.random_base32(32))


def step_of(secret: str, code: str, now: datetime, *, after: int = -1) -> int | None:
    """Return the step of a code that counts now, a step too early or late; None where none does.

    ``after``: the last step that was used, so that no code counts twice.
    """
    import pyotp

    typed = _typed(code)
    if not _DIGITS.fullmatch(typed):
        return None
    totp, present = pyotp.TOTP(secret), int(now.timestamp()) // _STEP
    good = [
        step
        for step in (present - 1, present, present + 1)
        if hmac.compare_digest(totp.at(step * _STEP), typed)
    ]
    return next((step for step in good if step > after), None)


def recovery_codes() -> list[str]:
    """Return fresh recovery codes, of 80 bits each."""
    return [fresh_code() for _ in range(_RECOVERY_CODES)]


def fresh_code() -> str:
    """Return a code of 80 bits in groups of four, without letters that look like digits."""
    return in_groups(base64.b32encode(secrets.token_bytes(10)).decode().lower(), by="-")


def hash_of_code(code: str) -> bytes:
    """Return what is kept of a code, however it is typed."""
    return hashlib.sha256(_typed(code).lower().encode("utf-8", "surrogatepass")).digest()


def fresh_token(beginning: str) -> str:
    """Return a token of 256 bits; ``beginning`` says what it is."""
    return f"{beginning}_{secrets.token_urlsafe(32)}"


def hash_of_token(token: str) -> bytes:
    """Return what is kept of a token: SHA-256, since nobody can guess 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def all_match(codes: Sequence[str], hashes: Sequence[bytes]) -> bool:
    """Whether codes are those kept, in any order; takes the same time either way."""
    given = sorted(hash_of_code(code) for code in codes)
    return hmac.compare_digest(b"".join(given), b"".join(sorted(hashes)))


def in_groups(text: str, *, by: str = " ") -> str:
    """Return a text in groups of four."""
    return by.join(text[n : n + 4] for n in range(0, len(text), 4))


def _typed(code: str) -> str:
    return _BLANKS.sub("", unicodedata.normalize("NFKC", code))
