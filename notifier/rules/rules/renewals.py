"""Renewals: policies end, and the member is told in good time."""

from datetime import timedelta

from notifier.model.decision import CaseChange, CaseKind, CaseMove, Decision
from notifier.model.event import Event
from notifier.model.money import LineKind
from notifier.model.reasons import Reason
from notifier.model.renewal import RenewalDue
from notifier.model.situation import Situation
from notifier.rules.event_types import EventType
from notifier.rules.plan import receive_by
from notifier.rules.rules.outcomes import generation, settle, skip

NOTICE = "renewal"
_DAY = timedelta(days=1)


def due(event: Event, situation: Situation) -> Decision:
    """Policies end: the case speaks on the days of its plan; what was due already, at once."""
    data = event.data
    assert isinstance(data, RenewalDue)
    case = situation.case(CaseKind.RENEWAL, event.source, data.renewal)
    if situation.member.left_on and situation.member.left_on <= data.ends_on:
        return settle(skip(Reason.MEMBER_LEFT, NOTICE))
    if data.ends_on < situation.today:
        return settle(skip(Reason.DEADLINE_PASSED, NOTICE))
    change = CaseChange(
        kind=CaseKind.RENEWAL,
        matter=data.renewal,
        scheme=data.scheme,
        move=CaseMove.OPEN,
        reason=Reason.OPENED if case is None else Reason.CONTINUED,
        generation=generation(event, case, None),
        deadline=data.ends_on,
        plan="renewal",
        facts={
            "renewed_policies": list(data.policies),
            "ends_on": data.ends_on.isoformat(),
            "renews_on": (data.ends_on + _DAY).isoformat(),
            "renews_until": data.renews_until.isoformat(),
            "premium": data.amounts.sum_of(LineKind.PREMIUM),
            "other_fees": data.amounts.sum_of(LineKind.OPERATING_FEE, LineKind.OTHER),
            "total": data.amounts.total,
            "first_charge_on": data.first_charge_on and data.first_charge_on.isoformat(),
            "reply_by": _reply_by(data, situation),
            "changes": data.changes,
        },
    )
    return settle(skip(Reason.PLANNED, NOTICE), cases=[change])


def _reply_by(data: RenewalDue, situation: Situation) -> str | None:
    """Until when a form is in time to count before the new term begins."""
    rule = situation.notices[NOTICE].cut_off
    day = data.reply_by
    if day is None and rule is not None:
        day = receive_by(data.ends_on + _DAY, rule, situation.calendar.is_open)
    return day.isoformat() if day else None


EVENT_TYPES = (EventType(name="scheme.renewal_due", models={1: RenewalDue}, rule=due),)
