"""What became of an event, as it is told to whoever sent it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class EventStatus(StrEnum):
    """How far an event has come. Labels: ``event_status.<value>``."""

    DECIDED = "decided"
    UNDECIDED = "undecided"  # our rules broke on it; it is tried again, and a person is asked
    REJECTED = "rejected"  # an entry of the stream that could not be accepted
    ALREADY_RECORDED = "already_recorded"  # in a test: the record has it, nothing would follow


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedOutcome:
    """One thing that was decided about an event."""

    outcome: str  # send, hold, skip
    reason: str  # a :class:`~notifier.model.reasons.Reason`
    notice: str | None
    message: str | None  # public number of the message that it is about
    details: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedMessage:
    """How a message of a test would look."""

    subject: str | None  # of a mail
    text: str | None  # of a mail, its beginning
    size: int | None  # bytes of the mail or of the letter's file
    pages: int | None  # of a letter
    problem: str | None  # why it could not be written: a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class CausedMessage:
    """A message that an event caused, as it stands now."""

    message: str  # public number
    notice: str
    step: str
    channel: str
    generation: int
    state: str
    reason: str
    updated_at: datetime
    goes_at: datetime | None  # of one that is queued: not before
    rendered: RenderedMessage | None = None  # in a test only


@dataclass(frozen=True, slots=True)
class RaisedTask:
    """A task of staff that has to do with an event."""

    task: int | None  # None in a test: nobody is asked
    kind: str
    state: str
    created_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedError:
    """One thing that was wrong with a rejected entry."""

    field: str
    code: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEntry:
    """An entry of the stream that could not be accepted."""

    received_at: datetime
    errors: tuple[RejectedError, ...]
    replayed_at: datetime | None  # when it went in after all


@dataclass(frozen=True, slots=True, kw_only=True)
class EventOutcome:
    """Everything that became of one event."""

    source: str
    id: str
    status: EventStatus
    test: bool = False
    event_id: int | None = None  # None, as what follows: it is rejected, not on record
    type: str | None = None
    member_no: str | None = None
    occurred_at: datetime | None = None
    accepted_at: datetime | None = None
    decided_at: datetime | None = None
    supersedes: str | None = None
    superseded_by: tuple[str, ...] = ()  # ids of events of the same source, oldest first
    decisions: tuple[DecidedOutcome, ...] = ()
    messages: tuple[CausedMessage, ...] = ()
    tasks: tuple[RaisedTask, ...] = ()
    rejected: tuple[RejectedEntry, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldDecision:
    """One item of the feed of decisions, with the fields that its JSON has."""

    position: str
    source: str
    id: str
    type: str
    member_no: str
    outcome: str
    reason: str
    notice: str | None
    message: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class DecisionPage:
    """Some decisions in their order."""

    items: tuple[ToldDecision, ...]
    next: int  # position to read on from
    more: bool  # whether there are more by now
