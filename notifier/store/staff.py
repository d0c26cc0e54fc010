"""Staff: the people whom alerts reach."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from . import users
from .db import rows


async def save(conn: AsyncConnection, login: str, name: str, email: str, *, now: datetime) -> None:
    """Register a member of staff, or change name and address."""
    await users.save(conn, login, name, email, alerts=True, now=now)


async def everyone(conn: AsyncConnection) -> Sequence[RowMapping]:
    """All whom alerts reach: staff_id, login, name, email."""
    return await rows(
        conn,
        """SELECT staff_id, login, name, email FROM staff WHERE alerts AND state <> 'disabled'
           ORDER BY staff_id""",
    )


async def is_known(conn: AsyncConnection, login: str) -> bool:
    """Whether there is a member of staff of this login."""
    return await users.get(conn, login) is not None
