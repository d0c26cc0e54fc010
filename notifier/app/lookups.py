"""Names that people give: whether the record knows them, and which was perhaps meant."""

from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.batch import batch_name
from notifier.model.errors import NotFound
from notifier.model.inquiry import About
from notifier.model.message import public_number
from notifier.model.notice import Notice
from notifier.model.numbers import near
from notifier.store import batches, lookups, messages, schemes


async def require_member(conn: AsyncConnection, member_no: str) -> None:
    """Raise :class:`NotFound` for a number that the register lacks.

    It tells how numbers are written, and never which ones there are.
    """
    if not await lookups.has_member(conn, member_no):
        raise NotFound("member", member_no, forms=await lookups.member_forms(conn))


def require_notice(notices: Mapping[str, Notice], name: str, step: str | None = None) -> None:
    """Raise :class:`NotFound` for a notice, or a step of one, that the program lacks."""
    if name not in notices:
        raise NotFound("notice", name, near=near(name, notices))
    if step is not None and step not in notices[name].steps:
        raise NotFound("step", step, near=near(step, notices[name].steps))


async def require_scheme(conn: AsyncConnection, scheme: str) -> None:
    """Raise :class:`NotFound` for a scheme that is not registered."""
    known = await schemes.all_of(conn)
    if scheme not in known:
        raise NotFound("scheme", scheme, near=near(scheme, known))


async def require_mailing(conn: AsyncConnection, name: str) -> None:
    """Raise :class:`NotFound` for the name of a mailing that was never made."""
    if not await lookups.has_mailing(conn, name):
        raise NotFound("mailing", name, near=near(name, await lookups.mailings(conn)))


async def require_about(conn: AsyncConnection, about: About) -> None:
    """Raise :class:`NotFound` for the first thing named that is not on record."""
    if about.message_id is not None and await messages.get(conn, about.message_id) is None:
        raise NotFound("message", public_number(about.message_id))
    if about.member_no is not None:
        await require_member(conn, about.member_no)
    if about.mailing is not None:
        await require_mailing(conn, about.mailing)
    if about.batch_id is not None and await batches.get(conn, about.batch_id) is None:
        raise NotFound("batch", batch_name(about.batch_id))
