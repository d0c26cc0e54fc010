"""Charges as they go to the gateway and come back paid."""

from typing import Any

from notifier.model.billing import ChargeSettled, ChargeSubmitted
from notifier.model.decision import CaseChange, CaseKind, CaseMove, Decision
from notifier.model.event import Event
from notifier.model.money import LineKind
from notifier.model.reasons import Reason
from notifier.model.situation import Situation
from notifier.model.task import TaskDraft, TaskKind
from notifier.rules.event_types import EventType
from notifier.rules.guard import Contradiction, check_due
from notifier.rules.rules.outcomes import settle, skip


def submitted(event: Event, situation: Situation) -> Decision:
    """The final data of a charge: checked against the register, never a message.

    The same contradiction in many charges is one alert that counts them.
    """
    data = event.data
    assert isinstance(data, ChargeSubmitted)
    assert situation.scheme is not None
    found = check_due(situation.scheme, data.charged_on, data.amounts)
    tasks = [_alert(data, contradiction) for contradiction in found]
    reasons = [c.reason for c in found]
    return settle(skip(Reason.CHECKED_ONLY, contradictions=reasons), tasks=tasks)


def _alert(data: ChargeSubmitted, found: Contradiction) -> TaskDraft:
    return TaskDraft(
        kind=TaskKind.AMOUNT_ALERT,
        key=f"{data.scheme}|{data.charged_on}|{found.reason}|{found.key}",
        details={
            "scheme": data.scheme,
            "charged_on": data.charged_on.isoformat(),
            "reason": found.reason,
            "what": found.what,
            "expected": found.expected,
            "observed": found.observed,
            "first_charge": data.charge_id,
        },
    )


def settled(event: Event, situation: Situation) -> Decision:
    """The money came in: the case ends, and with it every unsent request to pay."""
    data = event.data
    assert isinstance(data, ChargeSettled)
    case = situation.case(CaseKind.CHARGE, event.source, data.charge_id)
    failed_later = case and case.last_failed_on and case.last_failed_on > data.settled_on
    runs = case is not None and (case.is_open or case.ended_on is not None or case.plan is not None)
    if case is None or not runs or failed_later or case.reason == Reason.SETTLED:
        return settle(skip(Reason.RECORD_ONLY))
    change = CaseChange(
        kind=case.kind,
        matter=case.matter,
        scheme=case.scheme,
        move=CaseMove.CLOSE,
        reason=Reason.SETTLED,
        generation=case.generation,
        ended_on=data.settled_on,
        cancels=situation.requests,
    )
    return settle(skip(Reason.RECORD_ONLY), cases=[change])


def _submitted_amounts(event: Event, _decision: Decision) -> dict[str, Any]:
    assert isinstance(event.data, ChargeSubmitted)
    amounts = event.data.amounts
    told = {
        "charged_on": event.data.charged_on,
        "premium": amounts.sum_of(LineKind.PREMIUM),
        "other_fees": amounts.sum_of(LineKind.OPERATING_FEE, LineKind.OTHER),
        "total": amounts.total,
    }
    return {"amounts": told}


def _settled_on(event: Event, _decision: Decision) -> dict[str, Any]:
    assert isinstance(event.data, ChargeSettled)
    return {"settled_on": event.data.settled_on}


EVENT_TYPES = (
    EventType(
        name="billing.charge.submitted",
        models={1: ChargeSubmitted},
        rule=submitted,
        charge_facts=_submitted_amounts,
    ),
    EventType(
        name="billing.charge.settled",
        models={1: ChargeSettled},
        rule=settled,
        charge_facts=_settled_on,
    ),
)
