"""Messages: their names, one that is to come to be, and what is on record of one."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .errors import NotFound
from .money import ShownAmount
from .numbers import number_of
from .reasons import Reason
from .states import Channel, State


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


@dataclass(frozen=True, slots=True)
class MessageLine:
    """A message in a list. Its reader is a member, one of the staff, or that of a report."""

    message_id: int
    member_no: str | None
    login: str | None
    report: str | None
    notice: str
    step: str
    channel: Channel
    state: State
    reason: Reason
    created_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Cause:
    """An event that caused a message."""

    event_id: int
    type: str
    source: str
    id: str
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What came about with a message, when, why, and by whom."""

    at: datetime
    kind: str
    after: str | None
    reason: str | None
    actor: str
    attempt_id: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand a message over, with the relay's own words."""

    attempt_id: int
    number: int
    relay: str
    tls: str | None
    outcome: str | None  # None: it has begun
    command: str | None
    code: int | None
    enhanced: str | None
    reply: str | None
    size: int | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Of which message one is a copy, who asked for it, and why."""

    resend_of: int
    requested_by: str
    reason: str
