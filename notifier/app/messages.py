"""Messages: finding them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.store import messages as store

from .lookups import require_member, require_notice, require_scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    """Which messages are wanted; None: any."""

    state: State | None = None
    reason: Reason | None = None
    notice: str | None = None
    channel: Channel | None = None
    member_no: str | None = None
    scheme: str | None = None


async def find_messages(
    engine: AsyncEngine, notices: Mapping[str, Notice], wanted: MessageFilter, *, limit: int
) -> Sequence[RowMapping]:
    """Return the newest messages that match.

    Raises :class:`NotFound` for a member, notice or scheme that there is none of: an empty answer
    to a misspelt question would look like a fact.
    """
    if wanted.notice is not None:
        require_notice(notices, wanted.notice)
    async with engine.connect() as conn:
        if wanted.scheme is not None:
            await require_scheme(conn, wanted.scheme)
        if wanted.member_no is not None:
            await require_member(conn, wanted.member_no)
        return await store.search(
            conn,
            state=wanted.state,
            reason=wanted.reason,
            notice=wanted.notice,
            channel=wanted.channel,
            member_no=wanted.member_no,
            scheme=wanted.scheme,
            limit=limit,
        )
