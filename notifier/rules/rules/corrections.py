"""Wrong amounts: charged or shown, charged twice, not put right."""

from typing import Any

from notifier.model.billing import CorrectionFailed, Duplicated, Explanation, Exposure, Overcharged
from notifier.model.decision import CaseChange, CaseKind, CaseMove, Decision, Hold, Send
from notifier.model.event import Event
from notifier.model.money import AmountRole, ChargeAmounts, LineKind, ShownAmount, shown
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.rules.calendar import japan_date
from notifier.rules.event_types import EventType, contradicted
from notifier.rules.guard import (
    Contradiction,
    check_charged,
    check_difference,
    check_due,
    check_refund,
)
from notifier.rules.rules.outcomes import draft, generation, note, settle, skip, weigh

_FEES = (LineKind.OPERATING_FEE, LineKind.OTHER)


def overcharged(event: Event, situation: Situation) -> Decision:
    """A wrong amount was charged or shown: an apology with both amounts and the difference."""
    data = event.data
    assert isinstance(data, Overcharged)
    case = situation.case(CaseKind.CHARGE, event.source, data.charge_id)
    change = note(event, case, CaseKind.CHARGE, data.charge_id, data.scheme)
    displayed = data.exposure is Exposure.DISPLAYED
    facts = _wrong_and_right(data)
    if displayed and case is not None and case.is_open:
        facts["deadline"] = _iso(case.deadline)
        facts["recharge_on"] = _iso(case.recharge_on)
    if not displayed:
        facts |= {"remedy": data.remedy, "remedy_on": _iso(data.remedy_on)}
    letter = draft(
        situation,
        "apology",
        "wrong_amount_displayed" if displayed else "overcharge",
        change,
        facts=facts | _explained(data.explanation),
        shown=_amounts(data),
    )
    return settle(weigh(situation, letter, _check(data, situation)), cases=[change])


def correction_failed(event: Event, situation: Situation) -> Decision:
    """An amount could not be put right: say so and when it is tried again.

    Without a further attempt nothing is said here: the notice of the refund tells.
    """
    data = event.data
    assert isinstance(data, CorrectionFailed)
    case = situation.case(CaseKind.CHARGE, event.source, data.charge_id)
    if _overtaken(data, case, situation):
        return settle(skip(Reason.SUPERSEDED_IN_TIME, "apology"))
    if data.next_attempt_on is None or data.deadline is None:
        return settle(skip(Reason.REFUND_FOLLOWS, "apology"), cases=[_ended(data, situation, case)])
    change = CaseChange(
        kind=CaseKind.CHARGE,
        matter=data.charge_id,
        scheme=data.scheme,
        move=CaseMove.OPEN,
        reason=Reason.CONTINUED if case else Reason.OPENED,
        generation=generation(event, case, data.attempted_on),
        failed_on=data.attempted_on,
        deadline=data.deadline,
        recharge_on=data.next_attempt_on,
        facts=_reminded(data),
        plan="correction",
        told_on=japan_date(situation.not_before("apology", "could_not_correct")),
    )
    facts = _wrong_and_right(data) | {
        "attempted_on": data.attempted_on.isoformat(),
        "next_attempt_on": data.next_attempt_on.isoformat(),
        "deadline": data.deadline.isoformat(),
    }
    letter = draft(
        situation,
        "apology",
        "could_not_correct",
        change,
        facts=facts | _explained(data.explanation),
        shown=_amounts(data),
        useful_until=data.deadline,
    )
    outcome = weigh(situation, letter, _check(data, situation))
    if isinstance(outcome, Send) and data.deadline < situation.today:
        outcome = Hold(draft=letter, reason=Reason.DEADLINE_PASSED)
    return settle(outcome, cases=[change])


def _overtaken(data: CorrectionFailed, case: CaseRecord | None, situation: Situation) -> bool:
    charge = situation.charge
    if charge and charge.settled_on and charge.settled_on >= data.attempted_on:
        return True
    return bool(case and case.last_failed_on and case.last_failed_on > data.attempted_on)


def _ended(data: CorrectionFailed, situation: Situation, case: CaseRecord | None) -> CaseChange:
    return CaseChange(
        kind=CaseKind.CHARGE,
        matter=data.charge_id,
        scheme=data.scheme,
        move=CaseMove.CLOSE,
        reason=Reason.REFUND_FOLLOWS,
        generation=case.generation if case else 1,
        failed_on=data.attempted_on,
        ended_on=data.attempted_on,
        cancels=situation.requests,
    )


def _reminded(data: CorrectionFailed) -> dict[str, Any]:
    """What the reminders before the next attempt will say; nothing is owed for the charge."""
    return {
        "correction": True,
        "charged_on": data.charged_on.isoformat(),
        "premium": data.correct.sum_of(LineKind.PREMIUM),
        "other_fees": data.correct.sum_of(*_FEES),
        "total": data.correct.total,
        "deadline": str(data.deadline),
        "recharge_on": str(data.next_attempt_on),
    }


def duplicated(event: Event, situation: Situation) -> Decision:
    """The same charge was taken twice: an apology with what goes back."""
    data = event.data
    assert isinstance(data, Duplicated)
    case = situation.case(CaseKind.CHARGE, event.source, data.charge_id)
    change = note(event, case, CaseKind.CHARGE, data.charge_id, data.scheme)
    facts: dict[str, Any] = {
        "charged_on": data.charged_on.isoformat(),
        "duplicated_on": data.duplicated_on.isoformat(),
        "duplicate_method": data.duplicate_method,
        "premium": data.amounts.sum_of(LineKind.PREMIUM),
        "other_fees": data.amounts.sum_of(*_FEES),
        "total": data.amounts.total,
        "refund": data.refund,
        "remedy": data.remedy,
        "remedy_on": _iso(data.remedy_on),
    }
    letter = draft(
        situation,
        "apology",
        "double_charge",
        change,
        facts=facts | _explained(data.explanation),
        shown=(
            *shown(AmountRole.CORRECT, data.amounts),
            ShownAmount(AmountRole.REFUND, "refund", data.refund),
        ),
    )
    assert situation.scheme is not None
    found = check_due(situation.scheme, data.charged_on, data.amounts)
    found += check_refund(data.amounts.total, data.refund)
    return settle(weigh(situation, letter, found), cases=[change])


def _wrong_and_right(data: Overcharged | CorrectionFailed) -> dict[str, Any]:
    return {
        "charged_on": data.charged_on.isoformat(),
        **_split("wrong", data.charged),
        **_split("correct", data.correct),
        "difference": data.difference,
    }


def _split(prefix: str, amounts: ChargeAmounts) -> dict[str, int]:
    return {
        f"{prefix}_premium": amounts.sum_of(LineKind.PREMIUM),
        f"{prefix}_other_fees": amounts.sum_of(*_FEES),
        f"{prefix}_total": amounts.total,
    }


def _amounts(data: Overcharged | CorrectionFailed) -> tuple[ShownAmount, ...]:
    return (
        *shown(AmountRole.CHARGED_WRONGLY, data.charged),
        *shown(AmountRole.CORRECT, data.correct),
        ShownAmount(AmountRole.DIFFERENCE, "difference", data.difference),
    )


def _check(data: Overcharged | CorrectionFailed, situation: Situation) -> list[Contradiction]:
    assert situation.scheme is not None
    return [
        *check_due(situation.scheme, data.charged_on, data.correct),
        *check_charged(situation.charge, situation.shown, data.charged),
        *check_difference(data.charged, data.correct, data.difference),
    ]


def _explained(explanation: Explanation | None) -> dict[str, Any]:
    if explanation is None:
        return {}
    return {"cause": explanation.cause, "prevention": explanation.prevention}


def _iso(day: Any) -> str | None:
    return None if day is None else str(day)


def _difference(event: Event, decision: Decision) -> dict[str, Any] | None:
    """What is owed to the member."""
    assert isinstance(event.data, Overcharged | CorrectionFailed)
    return None if contradicted(decision) else {"refundable": event.data.difference}


def _refund(event: Event, decision: Decision) -> dict[str, Any] | None:
    assert isinstance(event.data, Duplicated)
    return None if contradicted(decision) else {"refundable": event.data.refund}


EVENT_TYPES = (
    EventType(
        name="billing.charge.correction_failed",
        models={1: CorrectionFailed},
        rule=correction_failed,
        charge_facts=_difference,
    ),
    EventType(
        name="billing.charge.overcharged",
        models={1: Overcharged},
        rule=overcharged,
        charge_facts=_difference,
    ),
    EventType(
        name="billing.charge.duplicated",
        models={1: Duplicated},
        rule=duplicated,
        charge_facts=_refund,
    ),
)
