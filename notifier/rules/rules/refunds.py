"""Refunds: decided, completed."""

from notifier.model.billing import RefundCompleted, RefundDecided, RefundReason
from notifier.model.decision import CaseChange, CaseKind, Decision
from notifier.model.event import Event
from notifier.model.money import AmountRole, ShownAmount
from notifier.model.situation import Situation
from notifier.rules.event_types import EventType
from notifier.rules.guard import Contradiction, check_refund
from notifier.rules.rules.outcomes import draft, note, settle, weigh


def decided(event: Event, situation: Situation) -> Decision:
    """Money will go back: how much, why, how and when."""
    data = event.data
    assert isinstance(data, RefundDecided)
    change = _note(event, situation, data.refund_id, data.scheme)
    facts = {
        "charge_id": data.charge_id,
        "amount": data.amount,
        "reason": data.reason,
        "method": data.method,
        "pay_on": data.pay_on and data.pay_on.isoformat(),
        "account_deadline": data.account_deadline and data.account_deadline.isoformat(),
    }
    letter = draft(
        situation,
        "refund",
        "decided",
        change,
        facts=facts,
        shown=(ShownAmount(AmountRole.REFUND, "refund", data.amount),),
    )
    found = _check_owed(situation, data.reason, data)
    return settle(weigh(situation, letter, found), cases=[change])


def completed(event: Event, situation: Situation) -> Decision:
    """The money went back: it must be the amount that was decided."""
    data = event.data
    assert isinstance(data, RefundCompleted)
    refund = situation.refund
    assert refund is not None
    change = _note(event, situation, refund.refund_id, refund.scheme)
    facts = {
        "charge_id": refund.charge_id,
        "amount": data.amount,
        "reason": refund.reason,
        "method": refund.method,
        "completed_on": data.completed_on.isoformat(),
    }
    letter = draft(
        situation,
        "refund",
        "completed",
        change,
        facts=facts,
        shown=(ShownAmount(AmountRole.REFUND, "refund", data.amount),),
    )
    found = [
        *check_refund(refund.amount, data.amount),
        *_check_owed(situation, refund.reason, data),
    ]
    return settle(weigh(situation, letter, found), cases=[change])


def _check_owed(
    situation: Situation, reason: str, data: RefundDecided | RefundCompleted
) -> list[Contradiction]:
    """A cancellation follows from a contract, not from a charge that we know to be wrong."""
    owed = situation.charge.refundable if situation.charge else None
    if reason == RefundReason.CANCELLATION and owed is None:
        return []
    return list(check_refund(owed, data.amount))


def _note(event: Event, situation: Situation, refund_id: str, scheme: str) -> CaseChange:
    case = situation.case(CaseKind.REFUND, event.source, refund_id)
    return note(event, case, CaseKind.REFUND, refund_id, scheme)


EVENT_TYPES = (
    EventType(name="billing.refund.decided", models={1: RefundDecided}, rule=decided),
    EventType(name="billing.refund.completed", models={1: RefundCompleted}, rule=completed),
)
