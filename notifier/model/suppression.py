"""Suppression: addresses that no mail is sent to for a while, each for a reason."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .mailbox import split
from .tracking import BounceReason


class SuppressionReason(StrEnum):
    """Why an address is written to no more. Labels: ``suppression.<value>``."""

    HARD_BOUNCE = "hard_bounce"
    SOFT_BOUNCES = "soft_bounces"  # several in a row, on different days
    COMPLAINT = "complaint"
    BY_PERSON = "by_person"
    IMPORTED = "imported"


_B = BounceReason

#: A bounce for good with one of these says something about the address itself.
HARD: Final = frozenset(
    {_B.USER_UNKNOWN, _B.SUSPENDED, _B.MOVED, _B.HOST_UNKNOWN, _B.NOT_ACCEPTING}
)
#: A bounce for now with one of these counts. What is said about the mail, its sender or its way
#: (policy, content, spam, authentication, rate, a listed host, …) never does.
SOFT: Final = HARD | {
    _B.MAILBOX_FULL,
    _B.SYSTEM_FULL,
    _B.NETWORK,
    _B.EXPIRED,
    _B.ON_HOLD,
    _B.UNDEFINED,
}
#: So many soft bounces in a row, each on a day of its own, suppress.
SOFT_LIMIT: Final = 5
_DAY: Final = timedelta(days=1)
#: For how long; each proven bounce more (the score) adds as much again. None: until it is lifted.
LASTS: Final = {
    SuppressionReason.HARD_BOUNCE: 180 * _DAY,
    SuppressionReason.SOFT_BOUNCES: 30 * _DAY,
    SuppressionReason.COMPLAINT: None,
    SuppressionReason.BY_PERSON: None,
    SuppressionReason.IMPORTED: None,
}
LONGEST: Final = 720 * _DAY
#: What a success clears: it disproves these, and not a person's wish.
CLEARED: Final = (SuppressionReason.HARD_BOUNCE, SuppressionReason.SOFT_BOUNCES)


def normal(address: str) -> str:
    """An address as two writings of it are compared: unquoted, in lower case.

    Local parts may tell capitals apart (RFC 5321 2.4); no mailbox of our members does.
    """
    local, domain = split(address.strip().removeprefix("<").removesuffix(">"))
    return f"{local}@{domain}".lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSuppression:
    """A suppression on record."""

    suppression_id: int
    address: str
    reason: SuppressionReason
    detail: BounceReason | None
    score: int
    since: datetime
    until: datetime | None
    message_id: int | None
    return_id: int | None
    set_by: str
    note: str | None
    lifted_at: datetime | None
    lifted_by: str | None
    lift_note: str | None
