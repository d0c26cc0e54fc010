"""Whether the fields of an event agree with each other."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from notifier.model import billing, membership
from notifier.model.errors import BadInput, FieldError
from notifier.model.money import MOST_YEN, ChargeAmounts
from notifier.model.renewal import RenewalDue

from .addresses import parse_email

#: Some senders tell of a day when it is arranged, such as that of a debit; a slip of the year is
#: further off, and a payment of the year 2099 would stay the latest for ever.
_FORETOLD: Final = timedelta(days=31)
_JAPAN: Final = ZoneInfo("Asia/Tokyo")


class _Check(Protocol):
    def __call__(self, data: Any, told_on: date) -> Iterator[FieldError]: ...


def settle(data: BaseModel) -> BaseModel:
    """The data with an email address in the form that the house keeps."""
    if isinstance(data, membership.MemberUpdated) and data.email:
        return data.model_copy(update={"email": parse_email(data.email)})
    return data


def check(data: BaseModel, time: datetime) -> list[FieldError]:
    """What contradicts itself in the data of an event that happened at ``time`` (aware).

    Amounts are not judged here, unless none can be so big: one that contradicts the record is
    held, not refused.
    """
    found = _CHECKS.get(type(data))
    dates = found(data, time.astimezone(_JAPAN).date()) if found else ()
    return [*_sums(data), *dates]


def _sums(data: BaseModel) -> Iterator[FieldError]:
    """Lines whose sum no amount can be, which the record could not hold."""
    for name, value in data:
        if isinstance(value, ChargeAmounts) and value.lines_total > MOST_YEN:
            yield FieldError(f"data.{name}.lines", "too_big", {"limit": MOST_YEN})


def _charge_failed(data: billing.ChargeFailed, told_on: date) -> Iterator[FieldError]:
    yield from _happened(data, told_on, "charged_on")
    yield from _not_past("deadline", data.deadline, told_on)
    yield from _in_order("recharge_on", data.deadline, data.recharge_on)


def _correction_failed(data: billing.CorrectionFailed, told_on: date) -> Iterator[FieldError]:
    yield from _happened(data, told_on, "charged_on", "attempted_on")
    yield from _not_past("deadline", data.deadline, told_on)
    yield from _in_order("next_attempt_on", data.attempted_on, data.next_attempt_on)
    yield from _in_order("next_attempt_on", data.deadline, data.next_attempt_on)


def _direct_collection(
    data: billing.DirectCollectionDecided, told_on: date
) -> Iterator[FieldError]:
    yield from _happened(data, told_on, "charged_on", "recharged_on", "decided_on")
    yield from _in_order("decided_on", data.deadline, data.decided_on)
    yield from _not_past("contact_by", data.contact_by, told_on)


def _renewal_due(data: RenewalDue, told_on: date) -> Iterator[FieldError]:
    yield from _not_past("ends_on", data.ends_on, told_on)
    yield from _not_past("reply_by", data.reply_by, told_on)
    yield from _in_order("renews_until", data.ends_on, data.renews_until)
    yield from _in_order("ends_on", data.reply_by, data.ends_on)


def _overcharged(data: billing.Overcharged, told_on: date) -> Iterator[FieldError]:
    if data.exposure is billing.Exposure.CHARGED:
        yield from _happened(data, told_on, "charged_on")
        if data.remedy is None:
            yield FieldError("data.remedy", "missing")


def _settled(data: billing.ChargeSettled, told_on: date) -> Iterator[FieldError]:
    yield from _happened(data, told_on, "settled_on")


def _duplicated(data: billing.Duplicated, told_on: date) -> Iterator[FieldError]:
    yield from _happened(data, told_on, "charged_on", "duplicated_on")


def _refund_completed(data: billing.RefundCompleted, told_on: date) -> Iterator[FieldError]:
    yield from _happened(data, told_on, "completed_on")


def _refund_decided(data: billing.RefundDecided, told_on: date) -> Iterator[FieldError]:
    yield from _not_past("account_deadline", data.account_deadline, told_on)


def _member_updated(data: membership.MemberUpdated, told_on: date) -> Iterator[FieldError]:  # noqa: ARG001
    if data.email:
        try:
            parse_email(data.email, field="data.email")
        except BadInput as problem:
            yield from problem.errors
    schemes = [e.scheme for e in data.enrolments]
    for place, scheme in enumerate(schemes):
        if scheme in schemes[:place]:
            yield FieldError(f"data.enrolments.{place}.scheme", "given_twice")


def _happened(data: BaseModel, told_on: date, *names: str) -> Iterator[FieldError]:
    """Days of what has happened: not long after the event that tells of it."""
    for name in names:
        day: date | None = getattr(data, name)
        if day is not None and day > told_on + _FORETOLD:
            latest = (told_on + _FORETOLD).isoformat()
            yield FieldError(f"data.{name}", "date_ahead", {"latest": latest})


def _not_past(name: str, deadline: date | None, told_on: date) -> Iterator[FieldError]:
    if deadline is not None and deadline < told_on:
        yield FieldError(f"data.{name}", "deadline_past")


def _in_order(name: str, before: date | None, after: date | None) -> Iterator[FieldError]:
    if before is not None and after is not None and after <= before:
        yield FieldError(f"data.{name}", "bad_order", {"after": before.isoformat()})


_CHECKS: Final[Mapping[type[BaseModel], _Check]] = {
    billing.ChargeFailed: _charge_failed,
    billing.ChargeSettled: _settled,
    billing.CorrectionFailed: _correction_failed,
    billing.DirectCollectionDecided: _direct_collection,
    billing.Duplicated: _duplicated,
    billing.Overcharged: _overcharged,
    billing.RefundCompleted: _refund_completed,
    billing.RefundDecided: _refund_decided,
    membership.MemberUpdated: _member_updated,
    RenewalDue: _renewal_due,
}
