"""Staff: the people whom alerts reach."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from .db import rows, run

_SAVE = """
INSERT INTO staff (login, name, email, created_at) VALUES (:login, :name, :email, :now)
ON CONFLICT (login) DO UPDATE SET name = excluded.name, email = excluded.email
"""

_EVERYONE = "SELECT staff_id, login, name, email FROM staff ORDER BY staff_id"


async def save(conn: AsyncConnection, login: str, name: str, email: str, *, now: datetime) -> None:
    """Register a member of staff, or change name and address."""
    await run(conn, _SAVE, {"login": login, "name": name, "email": email, "now": now})


async def everyone(conn: AsyncConnection) -> Sequence[RowMapping]:
    """All staff: staff_id, login, name, email."""
    return await rows(conn, _EVERYONE)
