"""Users: who they are, what they may do, what they prove it with, and their sessions.

The table of people is called ``staff``, as it was before people could sign in. Of everything secret
only hashes are kept, but for the seed of the second factor, which must be computed with.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.role import Role
from notifier.model.user import User, UserState

from .db import fetch, fetch_one, run, scalar

_LOCK: Final = 0x75736572  # of whoever changes users, one after the other

_USER = """
SELECT s.staff_id AS user_id, s.login, s.name, s.email, s.alerts, s.state, s.created_at,
    coalesce((SELECT array_agg(r.role ORDER BY r.role) FROM user_roles r
        WHERE r.user_id = s.staff_id), '{}') AS roles
FROM staff s
"""

_SAVE = """
INSERT INTO staff (login, name, email, alerts, created_at)
VALUES (:login, :name, :email, :alerts, :now)
ON CONFLICT (login) DO UPDATE SET name = excluded.name, email = excluded.email,
    alerts = excluded.alerts
"""

_SAVE_CREDENTIALS = """
INSERT INTO user_credentials (user_id, password_hash, totp_secret, last_step, changed_at)
VALUES (:user, :password, :secret, :step, :now)
ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash,
    totp_secret = excluded.totp_secret, last_step = excluded.last_step, failures = 0,
    locked_until = NULL, changed_at = excluded.changed_at
"""

_CREDENTIALS = """
SELECT c.user_id, s.state, c.password_hash, c.totp_secret, c.last_step, c.failures, c.locked_until
FROM user_credentials c JOIN staff s ON s.staff_id = c.user_id WHERE s.login = :login
"""

_TOUCH = """
UPDATE user_sessions t SET seen_at = :now FROM staff s
WHERE t.token_hash = :token AND t.expires_at > :now AND t.seen_at > :idle
  AND s.staff_id = t.user_id AND s.state = 'active'
RETURNING s.login
"""

_SET_STATE = "UPDATE staff SET state = :state WHERE staff_id = :user"

_ADD_ROLE = """
INSERT INTO user_roles (user_id, role, granted_by, granted_at, request_id)
VALUES (:user, :role, :by, :now, :request) ON CONFLICT DO NOTHING
"""

_REMOVE_ROLE = "DELETE FROM user_roles WHERE user_id = :user AND role = :role"

_NOTE_STEP = """
UPDATE user_credentials SET last_step = greatest(last_step, :step), failures = 0,
    locked_until = NULL
WHERE user_id = :user
"""

_NOTE_FAILURE = """
UPDATE user_credentials SET failures = :failures, locked_until = :until WHERE user_id = :user
"""

_FORGET_CODES = "DELETE FROM user_recovery_codes WHERE user_id = :user"

_SAVE_CODES = """
INSERT INTO user_recovery_codes (user_id, code_hash)
SELECT :user, unnest(CAST(:hashes AS bytea[]))
"""

_USE_CODE = """
UPDATE user_recovery_codes SET used_at = :now
WHERE user_id = :user AND code_hash = :hash AND used_at IS NULL
"""

_FORGET_SESSIONS = "DELETE FROM user_sessions WHERE expires_at <= :now"

_OPEN_SESSION = """
INSERT INTO user_sessions (token_hash, user_id, created_at, seen_at, expires_at)
VALUES (:token, :user, :now, :now, :until)
"""

_END_SESSION = "DELETE FROM user_sessions WHERE token_hash = :token"

_END_SESSIONS = "DELETE FROM user_sessions WHERE user_id = :user"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user proves with who they are."""

    user_id: int
    state: UserState
    password_hash: str
    totp_secret: str
    last_step: int  # of the second factor: what came up to then is used
    failures: int  # in a row
    locked_until: datetime | None


async def lock(conn: AsyncConnection) -> None:
    """Wait for whoever else changes users, until the end of this transaction."""
    await run(conn, "SELECT pg_advisory_xact_lock(:key)", {"key": _LOCK})


async def save(
    conn: AsyncConnection, login: str, name: str, email: str, *, alerts: bool, now: datetime
) -> None:
    """Register a person, or change name, address and whether alerts reach them."""
    given = {"login": login, "name": name, "email": email, "alerts": alerts, "now": now}
    await run(conn, _SAVE, given)


async def get(conn: AsyncConnection, login: str) -> User | None:
    """Return the user of this login."""
    return await fetch_one(conn, User, f"{_USER} WHERE s.login = :login", {"login": login})


async def everyone(conn: AsyncConnection) -> list[User]:
    """Return all users, in the order in which they were registered."""
    return await fetch(conn, User, f"{_USER} ORDER BY s.staff_id")


async def set_state(conn: AsyncConnection, user_id: int, state: UserState) -> None:
    """Let a user in, or not."""
    given = {"user": user_id, "state": state}
    await run(conn, _SET_STATE, given)


async def add_role(
    conn: AsyncConnection,
    user_id: int,
    role: Role,
    *,
    by: str,
    request_id: int | None = None,
    now: datetime,
) -> None:
    """Give a role; one that approves or administers needs the request that it stands on."""
    await run(
        conn,
        _ADD_ROLE,
        {"user": user_id, "role": role, "by": by, "now": now, "request": request_id},
    )


async def remove_role(conn: AsyncConnection, user_id: int, role: Role) -> None:
    """Take a role away."""
    given = {"user": user_id, "role": role}
    await run(conn, _REMOVE_ROLE, given)


async def with_credentials(conn: AsyncConnection) -> int:
    """How many users ever had credentials, disabled ones too."""
    return int(await scalar(conn, "SELECT count(*) FROM user_credentials"))


async def save_credentials(
    conn: AsyncConnection,
    user_id: int,
    password_hash: str,
    secret: str,
    *,
    step: int,
    now: datetime,
) -> None:
    """Keep new credentials in place of the old ones; ``step``: of the code that proved them."""
    given = {"user": user_id, "password": password_hash, "secret": secret, "step": step, "now": now}
    await run(conn, _SAVE_CREDENTIALS, given)


async def credentials(
    conn: AsyncConnection, login: str, *, locking: bool = False
) -> Credentials | None:
    """What a user proves with who they are; ``locking``: to be changed in this transaction."""
    sql = _CREDENTIALS + ("FOR UPDATE OF c" if locking else "")
    return await fetch_one(conn, Credentials, sql, {"login": login})


async def note_step(conn: AsyncConnection, user_id: int, step: int) -> None:
    """Note that a code was used, and that all is well."""
    await run(
        conn,
        _NOTE_STEP,
        {"user": user_id, "step": step},
    )


async def note_failure(
    conn: AsyncConnection, user_id: int, failures: int, locked_until: datetime | None
) -> None:
    """Note a wrong answer, and until when no further one counts."""
    await run(
        conn,
        _NOTE_FAILURE,
        {"user": user_id, "failures": failures, "until": locked_until},
    )


async def replace_recovery_codes(
    conn: AsyncConnection, user_id: int, hashes: Iterable[bytes]
) -> None:
    """Keep new recovery codes; the old ones are worth nothing any more."""
    given: dict[str, Any] = {"user": user_id, "hashes": list(hashes)}
    await run(conn, _FORGET_CODES, given)
    await run(
        conn,
        _SAVE_CODES,
        given,
    )


async def use_recovery_code(
    conn: AsyncConnection, user_id: int, code_hash: bytes, *, now: datetime
) -> bool:
    """Use a recovery code up; False where there is none, or it is used."""
    done = await run(
        conn,
        _USE_CODE,
        {"user": user_id, "hash": code_hash, "now": now},
    )
    return done == 1


async def open_session(
    conn: AsyncConnection, user_id: int, token: bytes, *, now: datetime, until: datetime
) -> None:
    """Keep a session by the hash of its token; forget those that have ended."""
    given = {"user": user_id, "token": token, "now": now, "until": until}
    await run(conn, _FORGET_SESSIONS, {"now": now})
    await run(
        conn,
        _OPEN_SESSION,
        given,
    )


async def touch_session(
    conn: AsyncConnection, token: bytes, *, now: datetime, idle_since: datetime
) -> str | None:
    """The login of whoever has this session, which counts as used; None if it is over."""
    login = await scalar(conn, _TOUCH, {"token": token, "now": now, "idle": idle_since})
    return None if login is None else str(login)


async def end_session(conn: AsyncConnection, token: bytes) -> None:
    """End one session."""
    await run(conn, _END_SESSION, {"token": token})


async def end_sessions(conn: AsyncConnection, user_id: int) -> None:
    """End all sessions of a user."""
    await run(conn, _END_SESSIONS, {"user": user_id})
