"""Messages before they are stored."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .errors import NotFound
from .money import ShownAmount
from .numbers import number_of
from .states import Channel


def new_token() -> str:
    """An unguessable name for a message outside the house: 26 characters, 130 bits."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    return "".join(alphabet[b & 31] for b in secrets.token_bytes(26))


def public_number(message_id: int) -> str:
    """The number printed on a message and used at the command line."""
    return f"M{message_id:09d}"


def message_number(text: str) -> int:
    """Return the id behind a number in any form that is shown. Raises :class:`NotFound`."""
    found = number_of("message", text)
    if found is None:
        raise NotFound("message", text)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message that is to come to be."""

    notice: str
    step: str
    scheme: str
    channel: Channel | None  # None: the member cannot be reached, the message is held
    generation: int = 1
    facts: Mapping[str, Any] = field(default_factory=dict)  # JSON values for the templates
    shown: tuple[ShownAmount, ...] = ()
    matter: str = ""  # which of the decision's cases it belongs to
    not_before: datetime | None = None  # None: at once
    useful_until: date | None = None  # the last day on which the reader can act on it
