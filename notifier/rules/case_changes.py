"""From a rule's change of a case to the row that is stored."""

from datetime import date, datetime, timedelta
from typing import Any

from notifier.model.decision import CaseChange, CaseMove
from notifier.model.event import Event
from notifier.model.notice import plan_of
from notifier.model.plan import Calendar, Plan
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.rules.plan import next_reminder, opening, time_out

_DAY = timedelta(days=1)


def next_due(
    plan: Plan,
    *,
    deadline: date,
    recharge_on: date | None,
    reminds: bool,
    told_on: date | None,
    not_before: date,
    calendar: Calendar,
) -> datetime:
    """When a case is to be looked at next: for a reminder, or because no outcome has come."""
    day = None
    if reminds:
        day = next_reminder(plan, deadline, told_on, not_before, calendar.is_open)
    if day is None:
        day = max(time_out(plan, deadline, recharge_on, calendar.is_open), not_before)
    return opening(day, calendar)


def changed(
    change: CaseChange, event: Event, event_id: int, situation: Situation
) -> dict[str, Any]:
    """The case as it stands after a change."""
    source = change.source or event.source
    case = situation.case(change.kind, source, change.matter)
    opens = change.move is CaseMove.OPEN and not _told_again(change, case)
    row = _opened(change, event, situation) if opens else _kept(change, event, case)
    closes = row["state"] == "closed"
    return {
        "kind": change.kind,
        "source": source,
        "matter": change.matter,
        "member_id": situation.member.member_id,
        "scheme": change.scheme,
        "generation": change.generation,
        "last_failed_on": change.failed_on or (case and case.last_failed_on),
        "reason": change.reason,
        "event_id": event_id,
        "opener": event_id if opens else (case and case.opener),
        "closed_by": event_id if closes and change.move is CaseMove.CLOSE else None,
        "reregistered_by": event_id if change.move is CaseMove.STOP_REMINDERS else None,
        **row,
        "next_due_at": None if closes else _next(row, situation),
    }


def _opened(change: CaseChange, event: Event, situation: Situation) -> dict[str, Any]:
    return {
        "state": "open",
        "occurred_at": event.time,
        "deadline": change.deadline,
        "recharge_on": change.recharge_on,
        "facts": dict(change.facts),
        "plan": change.plan,
        "told_on": change.told_on,
        "reregistered_at": situation.reregistered_at,
        "ended_on": None,
    }


def _kept(change: CaseChange, event: Event, case: CaseRecord | None) -> dict[str, Any]:
    """What a change leaves as it is, and what it ends or stops."""
    if case is None:
        ended = change.ended_on if change.move is CaseMove.CLOSE else None
        row: dict[str, Any] = {"state": "closed", "occurred_at": event.time, "facts": {}}
        return row | {"ended_on": ended}
    closes = change.move is CaseMove.CLOSE
    stops = change.move is CaseMove.STOP_REMINDERS
    return {
        "state": "open" if case.is_open and not closes else "closed",
        "occurred_at": case.occurred_at,
        "deadline": case.deadline,
        "recharge_on": case.recharge_on,
        "facts": dict(case.facts or {}),
        "plan": case.plan,
        "told_on": case.told_on,
        "reregistered_at": _later(case.reregistered_at, event.time)
        if stops
        else case.reregistered_at,
        "ended_on": change.ended_on if closes else case.ended_on,
        # What is only noted about a closed matter does not change why it is closed.
        **({"reason": case.reason} if not case.is_open and not closes else {}),
    }


def _later(known: datetime | None, told: datetime) -> datetime:
    return told if known is None else max(known, told)


def _told_again(change: CaseChange, case: CaseRecord | None) -> bool:
    """The same failure told twice changes nothing: what was said first stands until corrected."""
    if case is None or not case.facts or case.generation != change.generation:
        return False
    return case.is_open or case.reason != Reason.SUPERSEDED


def _next(row: dict[str, Any], situation: Situation) -> datetime | None:
    if row.get("plan") is None:
        return None
    known, told = row["reregistered_at"], row["told_on"]
    return next_due(
        plan_of(situation.notices, row["plan"]),
        deadline=row["deadline"],
        recharge_on=row["recharge_on"],
        reminds=known is None or known < row["occurred_at"],
        told_on=told,
        not_before=max(situation.today, told + _DAY) if told else situation.today,
        calendar=situation.calendar,
    )
