"""Changes of state, as they are told to others: ids and reasons, no contact data."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from .states import State
from .tracking import DeliveredLevel

#: Steps inside a worker; they tell nobody anything.
_INTERNAL: Final = frozenset({State.CLAIMED, State.SENDING})
#: States into which a change is told.
TOLD: Final = tuple(state for state in State if state not in _INTERNAL)


@dataclass(frozen=True, slots=True)
class EventKey:
    """The identity of an event."""

    source: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the state of one message, with the fields that its JSON has."""

    position: str  # of it in the log, where reading can go on
    message: str  # public number
    events: tuple[EventKey, ...]  # that caused the message; only those of the reader's source
    member_no: str
    notice: str
    step: str
    channel: str
    generation: int
    before: str | None  # None: it came to be
    after: str
    reason: str
    evidence: DeliveredLevel | None  # how much is proved; of sent and delivered mails
    at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some changes in the order of the log."""

    changes: tuple[Change, ...]
    next: int  # position to read on from
    more: bool  # whether the log goes on behind it by now

    @property
    def items(self) -> tuple[Change, ...]:
        """The changes, by the name that all pages have for what is on them."""
        return self.changes
