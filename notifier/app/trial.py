"""A trial: what is to be sent is written once before anything of it is on record."""

import asyncio
from collections.abc import Mapping
from typing import Any

from notifier.channels.registry import adapter_of
from notifier.model.correspondence import Correspondence
from notifier.model.errors import FieldError
from notifier.model.states import Channel
from notifier.rendering.errors import LetterError, WriteError
from notifier.rendering.text.links import check_text
from notifier.rendering.writer import Writer


async def trial_errors(writer: Writer, c: Correspondence, channel: Channel) -> list[FieldError]:
    """What keeps a correspondence from being written on a channel, by the field at fault."""
    try:
        await asyncio.to_thread(adapter_of(channel).render, writer, c)
    except LetterError as error:
        field = _holding(error.detail, c.facts) or _path(error.field, c)
        return [FieldError(field, str(error.reason), {"detail": error.detail})]
    except WriteError as error:
        field = _linking(c) if error.field == "links" else ""
        return [FieldError(field or _path(error.field, c), "not_written", {"value": error.message})]
    return []


def _holding(detail: str, facts: Mapping[str, Any]) -> str:
    """The fact that holds a character named ``U+1F980``; empty: none does."""
    if not detail.startswith("U+"):
        return ""
    character = chr(int(detail.removeprefix("U+").split()[0], 16))
    return next((f"facts.{name}" for name, value in facts.items() if character in str(value)), "")


def _linking(c: Correspondence) -> str:
    """The fact that holds a link which the brand does not allow; empty: none does."""
    for name, value in c.facts.items():
        try:
            check_text(str(value), c.brand.allowed_domains)
        except WriteError:
            return f"facts.{name}"
    return ""


def _path(field: str, c: Correspondence) -> str:
    return f"facts.{field}" if field.partition(".")[0] in c.facts else field
