"""Events: CloudEvents 1.0 with typed, versioned data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from . import billing, membership, renewal
from .errors import FieldError

#: Every type we take, and the models of its data by version.
TYPES: Final[Mapping[str, Mapping[int, type[BaseModel]]]] = MappingProxyType(
    {
        "billing.card.charge_failed": {1: billing.ChargeFailed},
        "billing.card.reregistered": {1: billing.CardReregistered},
        "billing.charge.submitted": {1: billing.ChargeSubmitted},
        "billing.charge.settled": {1: billing.ChargeSettled},
        "billing.charge.direct_collection_decided": {1: billing.DirectCollectionDecided},
        "billing.charge.correction_failed": {1: billing.CorrectionFailed},
        "billing.charge.overcharged": {1: billing.Overcharged},
        "billing.charge.duplicated": {1: billing.Duplicated},
        "billing.refund.decided": {1: billing.RefundDecided},
        "billing.refund.completed": {1: billing.RefundCompleted},
        "member.updated": {1: membership.MemberUpdated},
        "member.left": {1: membership.MemberLeft},
        "scheme.renewal_due": {1: renewal.RenewalDue},
    }
)

#: How types begin whose events change what is on record of members.
MEMBERS: Final = "member."
#: By how much a sender's clock may be ahead of ours.
CLOCK_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact from outside. (``source``, ``id``) is its identity for ever."""

    source: str
    id: str
    type: str
    version: int  # of the data model
    time: datetime  # aware: when it happened, as the source says
    data: BaseModel  # one of :data:`TYPES`
    supersedes: str | None = None  # id of an earlier event of the same source
    digest: bytes = b""  # SHA-256 of the canonical form; tells a repeat from a contradiction
    raw: bytes = b""  # the event as received, canonical JSON
    notes: tuple[FieldError, ...] = ()  # what is odd about it, and no reason to refuse it

    @property
    def member_no(self) -> str:
        """The member it is about; every type has one."""
        return str(getattr(self.data, "member_no"))  # noqa: B009 (the registry is typed loosely)

    @property
    def matter(self) -> str | None:
        """The refund, charge or renewal that it is about."""
        names = ("refund_id", "charge_id", "renewal")
        return next((str(v) for n in names if (v := getattr(self.data, n, None))), None)
