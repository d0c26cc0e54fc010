"""What the record knows when an event is decided."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from .decision import CaseKind
from .member import Member
from .money import AmountRole
from .notice import Notice
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
    occurred_at: datetime  # time of the latest event that changed it
    last_failed_on: date | None = None
    deadline: date | None = None
    recharge_on: date | None = None
    facts: Mapping[str, Any] | None = None
    opener: int | None = None  # the event that opened or continued it last
    next_due_on: date | None = None  # when it speaks next by itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything a rule may look at besides the event. Built by the cases room."""

    now: datetime  # aware
    today: date  # in Japan
    member: Member
    scheme: Scheme | None
    notices: Mapping[str, Notice]
    charge: ChargeRecord | None = None
    refund: RefundRecord | None = None
    cases: tuple[CaseRecord, ...] = ()  # the member's open ones, and the matter's own
    superseded: frozenset[int] = frozenset()  # events whose place this event takes
    letter_by: date | None = None  # when a letter that is decided on now arrives; None: never
    register_newer: bool = False  # the register already holds something later than the event
    shown: frozenset[tuple[AmountRole, str, int]] = frozenset()  # about this matter, to this member

    def case(self, kind: CaseKind, source: str, matter: str) -> CaseRecord | None:
        """The member's case about a matter."""
        wanted = (kind, source, matter)
        return next((c for c in self.cases if (c.kind, c.source, c.matter) == wanted), None)
