"""Staff: the people whom alerts reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from . import users
from .db import fetch


@dataclass(frozen=True, slots=True)
class Colleague:
    """A member of staff."""

    staff_id: int
    login: str
    name: str
    email: str


_EVERYONE = """
SELECT staff_id, login, name, email FROM staff WHERE alerts AND state <> 'disabled'
ORDER BY staff_id
"""


async def save(conn: AsyncConnection, login: str, name: str, email: str, *, now: datetime) -> None:
    """Register a member of staff, or change name and address."""
    await users.save(conn, login, name, email, alerts=True, now=now)


async def everyone(conn: AsyncConnection) -> Sequence[Colleague]:
    """Return all whom alerts reach."""
    return await fetch(conn, Colleague, _EVERYONE)


async def is_known(conn: AsyncConnection, login: str) -> bool:
    """Whether there is a member of staff of this login."""
    return await users.get(conn, login) is not None
