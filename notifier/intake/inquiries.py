"""Inquiries as staff take them down: checked, and bound to what is on record."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.characters import is_showable
from notifier.model.errors import BadInput, FieldError, NotAllowed, NotFound
from notifier.model.inquiry import About, Inquiry
from notifier.store import inquiries

from . import card_numbers
from .attributes import MAX_TEXT, text_problem

MAX_WORDS: Final = 10_000  # characters
_LAYOUT: Final = str.maketrans("\r\n\t", "   ")


async def add(conn: AsyncConnection, inquiry: Inquiry, *, actor: Actor, now: datetime) -> int:
    """Put an inquiry on record; its id.

    Raises :class:`BadInput` naming each field that is wrong, or that names what is not on record.
    """
    if errors := _wrong(inquiry, now):
        raise BadInput(errors)
    if unknown := await inquiries.missing(conn, inquiry.about):
        raise BadInput([FieldError(field, "not_found") for field in unknown])
    return await inquiries.add(conn, inquiry, actor=actor, now=now)


async def answer(
    conn: AsyncConnection,
    inquiry_id: int,
    *,
    answered_by: str,
    text: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Note that an inquiry was answered. Raises :class:`BadInput`, ``NotFound``, ``NotAllowed``."""
    if errors := [*_line("by", answered_by), *_words(text)]:
        raise BadInput(errors)
    done = await inquiries.answer(
        conn, inquiry_id, answered_by=answered_by, text=text, actor=actor, now=now
    )
    if done:
        return
    if await inquiries.get(conn, inquiry_id) is None:
        raise NotFound("inquiry", inquiry_id)
    text = f"inquiry {inquiry_id} was answered before"
    raise NotAllowed(text, code="answered_before", inquiry=inquiry_id)


def _wrong(inquiry: Inquiry, now: datetime) -> list[FieldError]:
    errors = [*_line("by", inquiry.received_by), *_words(inquiry.text)]
    if inquiry.received_at > now:
        errors.append(FieldError("received", "time_ahead"))
    about = inquiry.about
    if about == About():
        errors.append(FieldError("about", "missing"))
    named = (("mailing", about.mailing), ("member_no", about.member_no))
    return errors + [e for field, text in named if text is not None for e in _line(field, text)]


def _line(field: str, text: str) -> list[FieldError]:
    code = text_problem(text) or card_numbers.refusal(field, text)
    return [FieldError(field, code, {"limit": MAX_TEXT})] if code else []


def _words(text: str) -> list[FieldError]:
    """Several lines are allowed; control characters are not."""
    if len(text) > MAX_WORDS:
        return [FieldError("text", "too_long", {"limit": MAX_WORDS})]
    if not is_showable(text.translate(_LAYOUT)):
        return [FieldError("text", "control_character")]
    code = card_numbers.refusal("text", text)
    return [FieldError("text", code)] if code else []
