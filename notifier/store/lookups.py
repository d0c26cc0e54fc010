"""Whether a name that a person gives is on record."""

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import rows, scalar

#: How member numbers are written: digits as 0, so that no number is told. A sample is enough.
_FORMS = """
SELECT regexp_replace(member_no, '[0-9]', '0', 'g') AS form, count(*) AS count
FROM (SELECT member_no FROM members ORDER BY member_id DESC LIMIT 10000) AS latest
GROUP BY form ORDER BY count DESC, form LIMIT 3
"""

_HAS_MEMBER = "SELECT 1 FROM members WHERE member_no = :no"

_HAS_MAILING = "SELECT 1 FROM cases WHERE kind = 'mailing' AND matter = :name LIMIT 1"

_MAILINGS = "SELECT DISTINCT matter FROM cases WHERE kind = 'mailing' ORDER BY matter LIMIT :limit"


async def has_member(conn: AsyncConnection, member_no: str) -> bool:
    """Whether the register has a member of this number."""
    found = await scalar(conn, _HAS_MEMBER, {"no": member_no})
    return found is not None


async def member_forms(conn: AsyncConnection) -> list[str]:
    """Return the commonest forms of member numbers, such as ``M000000``."""
    return [r["form"] for r in await rows(conn, _FORMS)]


async def has_mailing(conn: AsyncConnection, name: str) -> bool:
    """Whether a mailing of this name was ever made."""
    sql = _HAS_MAILING
    return await scalar(conn, sql, {"name": name}) is not None


async def mailings(conn: AsyncConnection, *, limit: int = 1000) -> list[str]:
    """Return the names of mailings."""
    sql = _MAILINGS
    return [r["matter"] for r in await rows(conn, sql, {"limit": limit})]
