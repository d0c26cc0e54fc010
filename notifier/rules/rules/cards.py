"""Cards: a charge that failed, a card that was registered again."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from notifier.model.billing import CardReregistered, ChargeFailed
from notifier.model.decision import CaseChange, CaseKind, CaseMove, Decision, Hold, Skip
from notifier.model.event import Event
from notifier.model.message import Draft
from notifier.model.money import AmountRole, LineKind, shown
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.model.task import TaskDraft, TaskKind
from notifier.model.verdict import Action, Verdict
from notifier.rules.calendar import japan_date
from notifier.rules.codes import judge
from notifier.rules.event_types import EventType
from notifier.rules.guard import check_due
from notifier.rules.rules.outcomes import draft, generation, hold_task, settle, skip, weigh

_OUTCOME_AFTER = timedelta(days=3)


def charge_failed(event: Event, situation: Situation) -> Decision:
    """The gateway refused a charge: read the code, then write, wait or tell operations."""
    data = event.data
    assert isinstance(data, ChargeFailed)
    case = situation.case(CaseKind.CHARGE, event.source, data.charge_id)
    if _overtaken(data, case, situation):
        return settle(skip(Reason.SUPERSEDED_IN_TIME, "card_error"))
    left_on = situation.member.left_on
    if left_on and data.charged_on <= left_on:  # told late: what was asked for has ended since
        return settle(
            skip(Reason.MEMBER_LEFT, "card_error"), cases=[_ended(data, situation, case, left_on)]
        )
    silent = situation.charge is not None and situation.charge.silent_before
    verdict = judge(
        data.gateway,
        data.codes,
        card_expiry=data.card_expiry,
        today=situation.today,
        earlier_silent=silent,
    )
    if verdict.action is Action.SILENT_RETRY:
        return settle(
            skip(Reason.SILENT_RETRY, "card_error", code=verdict.code),
            tasks=[_outcome_missing(data, situation)],
        )
    if verdict.action is Action.OPERATIONS:
        return settle(
            skip(Reason.OPERATIONS_ONLY, "card_error", code=verdict.code),
            tasks=[_code_task(TaskKind.OPERATIONS_ALERT, data, verdict)],
        )
    return _notify(event, data, situation, case, verdict)


def _overtaken(data: ChargeFailed, case: CaseRecord | None, situation: Situation) -> bool:
    charge = situation.charge
    if charge and charge.settled_on and charge.settled_on >= data.charged_on:
        return True
    if case is None or case.opener in situation.superseded:  # what it says is taken back
        return False
    if case.ended_on is not None and case.ended_on >= data.charged_on:
        return True
    return bool(case.last_failed_on and case.last_failed_on > data.charged_on)


def _ended(
    data: ChargeFailed, situation: Situation, case: CaseRecord | None, ended_on: date
) -> CaseChange:
    """The case of somebody who has left: on record, and closed."""
    return CaseChange(
        kind=CaseKind.CHARGE,
        matter=data.charge_id,
        scheme=data.scheme,
        move=CaseMove.CLOSE,
        reason=Reason.MEMBER_LEFT,
        generation=case.generation if case else 1,
        failed_on=data.charged_on,
        ended_on=ended_on,
        cancels=situation.requests,
    )


def _notify(
    event: Event,
    data: ChargeFailed,
    situation: Situation,
    case: CaseRecord | None,
    verdict: Verdict,
) -> Decision:
    facts = _facts(data, verdict)
    change = CaseChange(
        kind=CaseKind.CHARGE,
        matter=data.charge_id,
        scheme=data.scheme,
        move=CaseMove.OPEN,
        reason=Reason.OPENED if case is None else Reason.CONTINUED,
        generation=generation(event, case, data.charged_on),
        failed_on=data.charged_on,
        deadline=data.deadline,
        recharge_on=data.recharge_on,
        facts=facts,
        plan="charge",
        told_on=japan_date(situation.not_before("card_error", "first")),
    )
    left_on = situation.member.left_on
    if left_on:  # before the charge: nothing can have been due, and nothing is waited for
        why = Reason.MEMBER_LEFT
        change = replace(change, move=CaseMove.CLOSE, reason=why, ended_on=left_on)
    if situation.reregistered_at is not None and situation.reregistered_at >= event.time:
        return settle(skip(Reason.REREGISTERED, "card_error"), cases=[change])
    letter = draft(
        situation,
        "card_error",
        "first",
        change,
        facts=facts,
        shown=shown(AmountRole.DUE, data.amounts),
        useful_until=data.deadline,
    )
    if left_on:
        return settle(Hold(draft=letter, reason=Reason.MEMBER_LEFT), cases=[change])
    return _weigh(data, situation, change, letter, verdict)


def _weigh(
    data: ChargeFailed,
    situation: Situation,
    change: CaseChange,
    letter: Draft,
    verdict: Verdict,
) -> Decision:
    if verdict.action is Action.UNKNOWN:
        hold = Hold(
            draft=letter,
            reason=Reason.UNKNOWN_GATEWAY_CODE,
            details={"gateway": data.gateway, "codes": list(verdict.unknown)},
        )
        task = _code_task(TaskKind.UNKNOWN_GATEWAY_CODE, data, verdict)
        return Decision(outcomes=(hold,), cases=(change,), tasks=(task,))
    if verdict.action is Action.AUTHENTICATION:
        return settle(
            Hold(draft=letter, reason=Reason.AUTHENTICATION_REQUIRED, details={}), cases=[change]
        )
    assert situation.scheme is not None
    found = check_due(situation.scheme, data.charged_on, data.amounts)
    if not found and data.deadline < situation.today:
        late = Hold(draft=letter, reason=Reason.DEADLINE_PASSED)
        return Decision(outcomes=(late,), cases=(change,), tasks=(hold_task(late),))
    return settle(weigh(situation, letter, found), cases=[change])


def _facts(data: ChargeFailed, verdict: Verdict) -> dict[str, Any]:
    return {
        "charge_id": data.charge_id,
        "charged_on": data.charged_on.isoformat(),
        "premium": data.amounts.sum_of(LineKind.PREMIUM),
        "other_fees": data.amounts.sum_of(LineKind.OPERATING_FEE, LineKind.OTHER),
        "total": data.amounts.total,
        "category": verdict.category,
        "ask_card_company": verdict.ask_card_company,
        "deadline": data.deadline.isoformat(),
        "recharge_on": data.recharge_on.isoformat(),
    }


def _outcome_missing(data: ChargeFailed, situation: Situation) -> TaskDraft:
    return TaskDraft(
        kind=TaskKind.OUTCOME_MISSING,
        key=data.charge_id,
        details={"charge_id": data.charge_id, "scheme": data.scheme},
        not_before=situation.now + _OUTCOME_AFTER,
    )


def _code_task(kind: TaskKind, data: ChargeFailed, verdict: Verdict) -> TaskDraft:
    codes = list(verdict.unknown) or [verdict.code]
    return TaskDraft(
        kind=kind,
        key=f"{data.gateway}|{'|'.join(sorted(codes))}"[:400],
        details={"gateway": data.gateway, "codes": codes, "scheme": data.scheme},
    )


def reregistered(event: Event, situation: Situation) -> Decision:
    """A working card is there: reminders stop; the case lives on to the outcome of the charge."""
    data = event.data
    assert isinstance(data, CardReregistered)
    about = [
        case
        for case in situation.cases
        if case.kind is CaseKind.CHARGE
        and case.is_open
        and (case.source, case.scheme) == (event.source, data.scheme)
        and data.charge_id in (None, case.matter)
        and case.occurred_at <= event.time  # a failure after the re-registration stands
    ]
    changes = [
        CaseChange(
            kind=case.kind,
            matter=case.matter,
            scheme=case.scheme,
            move=CaseMove.STOP_REMINDERS,
            reason=Reason.REREGISTERED,
            generation=case.generation,
            cancels=situation.requests,
        )
        for case in about
    ]
    return settle(skip(Reason.RECORD_ONLY), cases=changes)


def _silence(event: Event, decision: Decision) -> dict[str, Any] | None:
    """The day on which billing tried again by itself."""
    silent = any(isinstance(o, Skip) and o.reason is Reason.SILENT_RETRY for o in decision.outcomes)
    return {"silent_on": japan_date(event.time)} if silent else None


EVENT_TYPES = (
    EventType(
        name="billing.card.charge_failed",
        models={1: ChargeFailed},
        rule=charge_failed,
        charge_facts=_silence,
    ),
    EventType(name="billing.card.reregistered", models={1: CardReregistered}, rule=reregistered),
)
