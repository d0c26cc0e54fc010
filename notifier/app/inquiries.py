"""Inquiries: what members ask, complain about and thank for."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake import inquiries as intake
from notifier.model.actor import Actor
from notifier.model.errors import NotFound
from notifier.model.inquiry import (
    About,
    Inquiry,
    InquiryChannel,
    InquiryKind,
    InquiryState,
    InquiryTopic,
)
from notifier.store import inquiries as store

from .lookups import require_about
from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownInquiry:
    """An inquiry on record with its words, which are personal data."""

    inquiry_id: int
    kind: InquiryKind
    topic: InquiryTopic
    channel: InquiryChannel
    state: InquiryState
    received_at: datetime
    received_by: str
    message_id: int | None
    member_no: str | None
    mailing: str | None
    campaign_id: int | None
    batch_id: int | None
    answered_at: datetime | None
    answered_by: str | None
    text: str | None
    answer: str | None


async def add_inquiry(engine: AsyncEngine, inquiry: Inquiry, *, actor: Actor, now: datetime) -> int:
    """Put an inquiry on record; its id. Raises :class:`BadInput` naming each wrong field."""
    async with engine.begin() as conn:
        return await intake.add(conn, inquiry, actor=actor, now=now)


async def answer_inquiry(
    engine: AsyncEngine, inquiry_id: int, *, by: str, text: str, actor: Actor, now: datetime
) -> None:
    """Note that an inquiry was answered. Raises :class:`BadInput`, ``NotFound``, ``NotAllowed``."""
    async with engine.begin() as conn:
        await intake.answer(conn, inquiry_id, answered_by=by, text=text, actor=actor, now=now)


async def find_inquiries(
    engine: AsyncEngine,
    about: About,
    *,
    state: InquiryState | None,
    kind: InquiryKind | None,
    limit: int,
) -> list[KnownInquiry]:
    """Return the newest inquiries that match. Raises :class:`NotFound` for an unknown subject."""
    async with engine.connect() as conn:
        await require_about(conn, about)
        found = await store.search(conn, about, state=state, kind=kind, limit=limit)
    return [value_of(KnownInquiry, r) for r in found]


async def show_inquiry(engine: AsyncEngine, inquiry_id: int) -> KnownInquiry:
    """Return an inquiry. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await store.get(conn, inquiry_id)
    if found is None:
        raise NotFound("inquiry", inquiry_id)
    return value_of(KnownInquiry, found)
