"""From a rule's change of a case to the row that is stored."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from notifier.decide.calendar import next_reminder, reminder_days
from notifier.decide.closures import is_open
from notifier.model.decision import CaseChange, CaseMove
from notifier.model.event import Event
from notifier.model.notice import Notice
from notifier.model.situation import CaseRecord, Situation

REMINDER = "reregistration_deadline"


def next_due(notices: Mapping[str, Notice], deadline: date | None, today: date) -> date | None:
    """The first day after ``today`` on which a reminder is due."""
    if deadline is None:
        return None
    return next_reminder(reminder_days(deadline, notices[REMINDER].days_before, is_open), today)


def changed(
    change: CaseChange, event: Event, event_id: int, situation: Situation
) -> dict[str, Any]:
    """The case as it stands after a change."""
    source = change.source or event.source
    case = situation.case(change.kind, source, change.matter)
    opens = change.move is CaseMove.OPEN and not _told_again(change, case)
    deadline = change.deadline if opens else (case.deadline if case else None)
    return {
        "kind": change.kind,
        "source": source,
        "matter": change.matter,
        "member_id": situation.member.member_id,
        "scheme": change.scheme,
        "state": _state(change, case),
        "generation": change.generation,
        "last_failed_on": change.failed_on or (case and case.last_failed_on),
        "occurred_at": max(event.time, case.occurred_at) if case else event.time,
        "deadline": deadline,
        "recharge_on": change.recharge_on if opens else case and case.recharge_on,
        "facts": dict(change.facts if opens else (case and case.facts) or {}),
        "next_due_on": next_due(situation.notices, deadline, situation.today)
        if opens
        else _next(change, case),
        "reason": change.reason,
        "event_id": event_id,
        "opener": event_id if opens else (case and case.opener),
    }


def _told_again(change: CaseChange, case: CaseRecord | None) -> bool:
    """The same failure told twice changes nothing: what was said first stands until corrected."""
    if case is None or not case.is_open or not case.facts:
        return False
    return case.generation == change.generation


def _state(change: CaseChange, case: CaseRecord | None) -> str:
    if change.move is CaseMove.OPEN:
        return "open"
    if change.move is CaseMove.CLOSE or case is None:  # a note about a new matter runs nothing
        return "closed"
    return "open" if case.is_open else "closed"


def _next(change: CaseChange, case: CaseRecord | None) -> date | None:
    """What is due and not yet said is still to be said, unless the change stops it."""
    if case is None or change.move in {CaseMove.CLOSE, CaseMove.STOP_REMINDERS}:
        return None
    return case.next_due_on
