"""Direct collection: the card is given up, and the member is told what happens next."""

from datetime import date
from typing import Any

from notifier.model.billing import DirectCollectionDecided
from notifier.model.decision import CaseChange, CaseKind, CaseMove, Decision
from notifier.model.event import Event
from notifier.model.money import AmountRole, LineKind, shown
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.rules.event_types import EventType
from notifier.rules.guard import check_due
from notifier.rules.rules.outcomes import draft, settle, skip, weigh


def decided(event: Event, situation: Situation) -> Decision:
    """The deadline has passed and the card is not charged again: the last word of the case."""
    data = event.data
    assert isinstance(data, DirectCollectionDecided)
    case = situation.case(CaseKind.CHARGE, event.source, data.charge_id)
    if _overtaken(data, case, situation):
        return settle(skip(Reason.SUPERSEDED_IN_TIME, "reregistration_deadline"))
    left_on = situation.member.left_on
    change = CaseChange(
        kind=CaseKind.CHARGE,
        matter=data.charge_id,
        scheme=data.scheme,
        move=CaseMove.CLOSE,
        reason=Reason.MEMBER_LEFT if left_on else Reason.DIRECT_COLLECTION,
        generation=case.generation if case else 1,
        failed_on=_failed_on(data, case),
        ended_on=left_on or data.decided_on,
        cancels=situation.requests,
    )
    if left_on:
        return settle(skip(Reason.MEMBER_LEFT, "reregistration_deadline"), cases=[change])
    letter = draft(
        situation,
        "reregistration_deadline",
        "passed",
        change,
        facts=_facts(data, case, situation),
        shown=shown(AmountRole.DUE, data.amounts),
    )
    assert situation.scheme is not None
    found = check_due(situation.scheme, data.charged_on, data.amounts)
    return settle(weigh(situation, letter, found), cases=[change])


def _overtaken(
    data: DirectCollectionDecided, case: CaseRecord | None, situation: Situation
) -> bool:
    failed_on = _failed_on(data, case)
    charge = situation.charge
    if charge and charge.settled_on and charge.settled_on >= failed_on:
        return True
    return failed_on > data.decided_on


def _failed_on(data: DirectCollectionDecided, case: CaseRecord | None) -> date:
    """The latest failure of the charge that is known."""
    known = [data.charged_on, data.recharged_on, case.last_failed_on if case else None]
    return max(day for day in known if day is not None)


def _facts(
    data: DirectCollectionDecided, case: CaseRecord | None, situation: Situation
) -> dict[str, Any]:
    known = situation.reregistered_at
    came = known is not None and (case is None or known >= case.occurred_at)
    return {
        "charged_on": data.charged_on.isoformat(),
        "premium": data.amounts.sum_of(LineKind.PREMIUM),
        "other_fees": data.amounts.sum_of(LineKind.OPERATING_FEE, LineKind.OTHER),
        "total": data.amounts.total,
        "category": (case.facts or {}).get("category") if case else None,
        "deadline": data.deadline.isoformat(),
        "recharge_on": data.recharged_on and data.recharged_on.isoformat(),
        "contact_by": data.contact_by and data.contact_by.isoformat(),
        "reregistered": came or None,
    }


EVENT_TYPES = (
    EventType(
        name="billing.charge.direct_collection_decided",
        models={1: DirectCollectionDecided},
        rule=decided,
    ),
)
