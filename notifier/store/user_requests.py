"""Requests of administrators that need a second one: asked, confirmed, done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.role import Role
from notifier.model.user import RequestKind, UserRequest

from .db import fetch, fetch_one, run, scalar

_COLUMNS: Final = """request_id, kind, subject, roles, requested_by, requested_at, expires_at,
    confirmed_by, confirmed_at, done_at"""

_ASK = """
INSERT INTO user_requests (kind, subject, roles, requested_by, requested_at, expires_at, first_code)
VALUES (:kind, :subject, :roles, :by, :now, :until, :code) RETURNING request_id
"""


_GET = f"SELECT {_COLUMNS} FROM user_requests WHERE request_id = :id"

_OPEN = f"""
SELECT {_COLUMNS} FROM user_requests WHERE done_at IS NULL AND expires_at > :now
ORDER BY request_id
"""

_INVITATION = f"""
SELECT {_COLUMNS}, first_code, second_code FROM user_requests
WHERE subject = :login AND done_at IS NULL AND expires_at > :now
  AND kind IN ('founding', 'invitation', 'reset')
  AND (kind = 'founding' OR confirmed_at IS NOT NULL)
"""

_CONFIRM = """
UPDATE user_requests
SET confirmed_by = :by, confirmed_at = CAST(:now AS timestamptz), expires_at = :until,
    second_code = CAST(:code AS bytea),
    done_at = CASE WHEN CAST(:code AS bytea) IS NULL THEN CAST(:now AS timestamptz) END
WHERE request_id = :id AND confirmed_at IS NULL AND done_at IS NULL
"""

_FINISH = "UPDATE user_requests SET done_at = :now WHERE request_id = :id AND done_at IS NULL"

_VOID = """
UPDATE user_requests SET done_at = :now
WHERE done_at IS NULL AND :login IN (subject, requested_by, confirmed_by)
"""


@dataclass(frozen=True, slots=True)
class Invitation(UserRequest):
    """An invitation that waits for whoever is invited, and the hashes of both its codes."""

    first_code: bytes
    second_code: bytes | None  # None: one that needs no second person, while there is none


async def ask(
    conn: AsyncConnection,
    kind: RequestKind,
    subject: str,
    *,
    roles: Iterable[Role] = (),
    by: str,
    now: datetime,
    until: datetime,
    code: bytes | None = None,
) -> int:
    """Put a request on record; its number."""
    given = {
        "kind": kind,
        "subject": subject,
        "roles": sorted(roles),
        "by": by,
        "now": now,
        "until": until,
        "code": code,
    }
    return int(await scalar(conn, _ASK, given))


async def get(conn: AsyncConnection, request_id: int) -> UserRequest | None:
    """Return one request."""
    return await fetch_one(conn, UserRequest, _GET, {"id": request_id})


async def open_ones(conn: AsyncConnection, *, now: datetime) -> list[UserRequest]:
    """Return all that wait for a second person or for whoever is invited, the oldest first."""
    return await fetch(conn, UserRequest, _OPEN, {"now": now})


async def invitation_of(conn: AsyncConnection, login: str, *, now: datetime) -> Invitation | None:
    """Return the invitation, or reset, that somebody can accept now."""
    return await fetch_one(conn, Invitation, _INVITATION, {"login": login, "now": now})


async def confirm(
    conn: AsyncConnection,
    request_id: int,
    *,
    by: str,
    now: datetime,
    until: datetime,
    code: bytes | None,
) -> None:
    """Note the second person; ``code``: of an invitation, which can be accepted ``until`` then."""
    given = {"id": request_id, "by": by, "now": now, "until": until, "code": code}
    await run(conn, _CONFIRM, given)


async def finish(conn: AsyncConnection, request_id: int, *, now: datetime) -> bool:
    """Note that a request was accepted or taken back; False where it was done before."""
    return await run(conn, _FINISH, {"id": request_id, "now": now}) == 1


async def void(conn: AsyncConnection, login: str, *, now: datetime) -> None:
    """Take back all that is open about somebody or was asked or confirmed by them."""
    await run(conn, _VOID, {"login": login, "now": now})
