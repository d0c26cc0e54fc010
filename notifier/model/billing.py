"""What billing tells us: the data of ``billing.*`` events, version 1.

Amounts are whole yen as JSON integers, dates are calendar dates in Japan (``YYYY-MM-DD``).
Every model is frozen and refuses unknown members.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from .money import ChargeAmounts, Yen

#: One line of plain text: no control characters, so nothing can break a header or a row.
Line = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$"
    ),
]
Ident = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
YearMonth = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
SchemeKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Sentence = Annotated[
    str,
    StringConstraints(min_length=1, max_length=600, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]+$"),
]


class EventData(BaseModel):
    """What the data of every event about a member have."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    member_no: Ident


class Remedy(StrEnum):
    """How an amount comes back to the member."""

    CARD_CREDIT = "card_credit"
    BANK_TRANSFER = "bank_transfer"
    NEXT_CHARGE = "next_charge"
    ACCOUNT_NEEDED = "account_needed"  # a bank transfer that waits for the member's account


class RefundReason(StrEnum):
    """Why money goes back."""

    OVERCHARGE = "overcharge"
    DOUBLE_CHARGE = "double_charge"
    CANCELLATION = "cancellation"


class Explanation(BaseModel):
    """Cause and prevention in plain Japanese, as settled by staff."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cause: Sentence
    prevention: Sentence


class ChargeFailed(EventData):
    """``billing.card.charge_failed``: the gateway refused a charge."""

    charge_id: Ident
    scheme: SchemeKey
    charged_on: date
    amounts: ChargeAmounts
    gateway: str = Field(max_length=40)
    codes: Annotated[tuple[Line, ...], Field(min_length=1, max_length=20)]
    card_expiry: YearMonth | None = None
    deadline: date  # last day to re-register
    recharge_on: date


class CardReregistered(EventData):
    """``billing.card.reregistered``: the member gave a working card."""

    scheme: SchemeKey
    charge_id: Ident | None = None  # None: all open charges of the scheme


class ChargeSubmitted(EventData):
    """``billing.charge.submitted``: the final data that go to the gateway; checked, no message."""

    charge_id: Ident
    scheme: SchemeKey
    charged_on: date
    amounts: ChargeAmounts


class ChargeSettled(EventData):
    """``billing.charge.settled``: the money came in, by whatever way."""

    charge_id: Ident
    settled_on: date
    amount: Yen
    method: Annotated[str, StringConstraints(pattern=r"^(card|bank_transfer|direct)$")] = "card"


class DirectCollectionDecided(EventData):
    """``billing.charge.direct_collection_decided``: the card is given up, and the association or
    the agency collects. The request to register a card ends; what happens next is said."""

    charge_id: Ident
    scheme: SchemeKey
    charged_on: date  # the charge that failed first
    amounts: ChargeAmounts
    deadline: date  # for the re-registration; it is over
    recharged_on: date | None = None  # when the card was charged again, in vain
    decided_on: date
    contact_by: date | None = None  # by when the member is told how to pay


class CorrectionFailed(EventData):
    """``billing.charge.correction_failed``: an amount could not be put right at the gateway."""

    charge_id: Ident
    scheme: SchemeKey
    charged_on: date
    charged: ChargeAmounts  # what was wrongly charged
    correct: ChargeAmounts
    difference: Yen
    attempted_on: date
    next_attempt_on: date | None = None  # None: no further attempt, a refund follows
    deadline: date | None = None  # last day to re-register before the next attempt
    explanation: Explanation | None = None


class Exposure(StrEnum):
    """What became of a wrong amount."""

    CHARGED = "charged"
    DISPLAYED = "displayed"  # shown to the member, never charged


class Overcharged(EventData):
    """``billing.charge.overcharged``: a wrong amount was charged or shown."""

    charge_id: Ident
    scheme: SchemeKey
    charged_on: date
    charged: ChargeAmounts
    correct: ChargeAmounts
    difference: Yen
    exposure: Exposure = Exposure.CHARGED
    remedy: Remedy | None = None  # required where the amount was charged
    remedy_on: date | None = None
    explanation: Explanation | None = None


class Duplicated(EventData):
    """``billing.charge.duplicated``: the same charge was taken twice."""

    charge_id: Ident
    duplicate_charge_id: Ident
    scheme: SchemeKey
    charged_on: date
    duplicated_on: date
    duplicate_method: Annotated[str, StringConstraints(pattern=r"^(card|bank_transfer)$")]
    amounts: ChargeAmounts  # what was due once
    refund: Yen  # what goes back
    remedy: Remedy
    remedy_on: date | None = None
    explanation: Explanation | None = None


class RefundDecided(EventData):
    """``billing.refund.decided``: money will go back."""

    refund_id: Ident
    charge_id: Ident
    scheme: SchemeKey
    amount: Yen
    reason: RefundReason
    method: Remedy
    pay_on: date | None = None
    account_deadline: date | None = None  # last day to give an account, with account_needed


class RefundCompleted(EventData):
    """``billing.refund.completed``: the money went back."""

    refund_id: Ident
    amount: Yen
    completed_on: date
