"""Events that did not go in, or that no rule has answered yet."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """An entry that waits to be replayed."""

    entry_id: int
    received_at: datetime
    origin: str
    errors: Any


@dataclass(frozen=True, slots=True)
class RejectedEntry:
    """An entry that could not be accepted."""

    entry_id: int
    origin: str  # the stream
    origin_id: str  # its id there
    payload: bytes  # as received, but for masked card numbers
    masked: bool
    errors: Any  # a list of mappings: field, code, params
    received_at: datetime
    replayed_at: datetime | None
    replayed_by: str | None
    discarded_at: datetime | None
    discarded_by: str | None
    discard_reason: str | None


@dataclass(frozen=True, slots=True)
class UndecidedEvent:
    """An event that could not be decided so far."""

    event_id: int
    type: str
    source: str
    id: str
    received_at: datetime
    attempts: int
    problem: str  # the name of an error
    next_try_at: datetime | None  # None: given up
