"""What the record knows when an event is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .decision import CaseKind
from .member import Member
from .money import AmountRole
from .notice import Notice, requests_of
from .plan import Calendar
from .reasons import Reason
from .scheme import Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedAmounts:
    """Amounts that went to the gateway under a charge id, in whole yen."""

    charged_on: date
    premium: int
    other_fees: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeRecord:
    """A charge as recorded."""

    charge_id: str
    submitted: tuple[ChargedAmounts, ...] = ()  # all that was ever submitted under the id
    settled_on: date | None = None
    refundable: int | None = None  # yen that are known to go back
    silent_before: bool = False  # the gateway refused it once and the member heard nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRecord:
    """A decided refund."""

    refund_id: str
    charge_id: str
    scheme: str
    amount: int
    reason: str
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as it stands."""

    case_id: int
    kind: CaseKind
    source: str
    matter: str
    scheme: str
    is_open: bool
    generation: int
    member_id: int
    occurred_at: datetime  # time of the event that opened or continued it last
    last_failed_on: date | None = None
    deadline: date | None = None
    recharge_on: date | None = None
    facts: Mapping[str, Any] | None = None
    opener: int | None = None  # the event that opened or continued it last
    plan: str | None = None  # what it says by itself, by name
    told_on: date | None = None  # up to which day it has spoken
    reregistered_at: datetime | None = None  # the latest re-registration of the card
    ended_on: date | None = None  # when it ended, as the closing event says
    reason: str = ""  # of its state

    @property
    def reminds(self) -> bool:
        """Whether a working card is still missing: a failure after a re-registration stands."""
        return self.reregistered_at is None or self.reregistered_at < self.occurred_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """How a case goes on after it has been looked at."""

    case_id: int
    told_on: date | None
    next_due_at: datetime | None = None
    ended: Reason | None = None  # it is closed for this reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything a rule may look at besides the event. Built by the cases room."""

    now: datetime  # aware
    today: date  # in Japan
    member: Member
    scheme: Scheme | None
    notices: Mapping[str, Notice]
    calendar: Calendar
    earliest: datetime  # when a message about this matter may go out, in the house's hours
    charge: ChargeRecord | None = None
    refund: RefundRecord | None = None
    cases: tuple[CaseRecord, ...] = ()  # the member's open ones, and the matter's own
    superseded: frozenset[int] = frozenset()  # events whose place this event takes
    letter_by: date | None = None  # when a letter that goes out arrives; None: never
    reregistered_at: datetime | None = None  # the latest re-registration for this charge
    register_newer: bool = False  # the register already holds something later than the event
    shown: frozenset[tuple[AmountRole, str, int]] = frozenset()  # about this matter, to this member

    @property
    def requests(self) -> tuple[str, ...]:
        """The notices that stop when the matter is settled."""
        return requests_of(self.notices)

    def not_before(self, notice: str, step: str) -> datetime:
        """When a message may go out. What is urgent by law waits for nothing."""
        return self.now if step in self.notices[notice].any_time else self.earliest

    def case(self, kind: CaseKind, source: str, matter: str) -> CaseRecord | None:
        """The member's case about a matter."""
        wanted = (kind, source, matter)
        return next((c for c in self.cases if (c.kind, c.source, c.matter) == wanted), None)
