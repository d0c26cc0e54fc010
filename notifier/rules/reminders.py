"""What cases say by themselves today, and what of it stands in one message. Pure.

A group is what one message may tell of: the charges of one member, from one source and in one
scheme, in the words of a notice that allows it (``together``). Everything else stands alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from notifier.model.decision import CaseKind, Hold, Send
from notifier.model.notice import Notice
from notifier.model.plan import Calendar, Plan
from notifier.model.reasons import Reason
from notifier.model.situation import Advance, CaseRecord
from notifier.rules.calendar import japan_date
from notifier.rules.case_changes import next_due
from notifier.rules.plan import earliest, in_hours, owed, time_out
from notifier.rules.together import as_one

_DAY: Final = timedelta(days=1)

Group = tuple[object, ...]


def group_of(case: CaseRecord, plan: Plan, notices: Mapping[str, Notice]) -> Group:
    """What a case's reminders belong to."""
    if case.kind is not CaseKind.CHARGE or notices[plan.notice].together is None:
        return (case.case_id,)
    return (case.member_id, case.source, case.scheme, plan.notice)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueCase:
    """A case that is due, and what the record says besides."""

    case: CaseRecord
    plan: Plan
    deadline: date
    group: Group  # what is said in one message with it
    last_notified_on: date | None  # the latest day of a message of it
    calendar: Calendar  # of its scheme
    blocked: bool  # something in it is held: what comes after must not overtake that


Looked = tuple[str | None, Advance]  # the step to say now, if any, and how the case goes on


def one_a_day(due: Sequence[DueCase], looked: Sequence[Looked], now: datetime) -> list[Looked]:
    """That a case is over is said on another day than reminders of the same member."""
    both = list(zip(due, looked, strict=True))
    reminds = {one.group for one, (step, _) in both if step is not None and step != one.plan.over}
    return [
        step_today(replace(one, last_notified_on=japan_date(now)), now)
        if step is not None and step == one.plan.over and one.group in reminds
        else (step, advance)
        for one, (step, advance) in both
    ]


def step_today(due: DueCase, now: datetime) -> Looked:
    """What a case says now, if anything, and how it goes on. Pure."""
    today, case, calendar = japan_date(now), due.case, due.calendar
    if not in_hours(now, calendar) or not calendar.is_open(today):
        again = earliest(now, calendar, after=None if calendar.hours else today)
        return None, Advance(case_id=case.case_id, told_on=case.told_on, next_due_at=again)
    if today >= time_out(due.plan, due.deadline, case.recharge_on, calendar.is_open):
        if due.last_notified_on is None or due.last_notified_on < today:
            return _at_the_end(due)
        again = earliest(now, calendar, after=due.last_notified_on)
        return None, Advance(case_id=case.case_id, told_on=case.told_on, next_due_at=again)
    step, told_on, found = None, case.told_on, None
    if case.reminds:
        found = owed(due.plan, due.deadline, told_on, today, calendar.is_open)
    if found is not None and due.blocked:
        told_on = today
    elif found is not None and (due.last_notified_on is None or due.last_notified_on < today):
        step, told_on = found.step, today
    again = next_due(
        due.plan,
        deadline=due.deadline,
        recharge_on=case.recharge_on,
        reminds=case.reminds,
        told_on=told_on,
        not_before=max(today, due.last_notified_on or today) + _DAY,
        calendar=calendar,
    )
    return step, Advance(case_id=case.case_id, told_on=told_on, next_due_at=again)


def _at_the_end(due: DueCase) -> Looked:
    """No outcome has come. Somebody who gave a working card is not told that none was given."""
    case, waited = due.case, due.plan.wait is not None
    speaks = case.reminds and not due.blocked
    reason = Reason.TIMED_OUT if waited else Reason.ENDED
    return due.plan.over if speaks else None, Advance(
        case_id=case.case_id, told_on=case.told_on, ended=reason
    )


def is_unanswered(due: DueCase, advance: Advance) -> bool:
    """Whether a charge ends of which nobody has told what became of it."""
    return advance.ended is Reason.TIMED_OUT and due.case.kind is CaseKind.CHARGE


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNotice:
    """A step that a case says."""

    case: CaseRecord
    plan: Plan
    step: str
    outcome: Send | Hold

    @property
    def urgency(self) -> tuple[date, int, int]:
        """The smaller, the more urgent: the first deadline, then the firmest step."""
        assert self.case.deadline is not None
        before = {one.step: one.days_before for one in self.plan.steps}
        return self.case.deadline, before.get(self.step, -1), self.case.case_id


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMessage:
    """A message to be made, of several cases or of one; it stands under the first one's key."""

    notices: tuple[PlannedNotice, ...]
    outcome: Send | Hold

    @property
    def case(self) -> CaseRecord:
        """The case of its key."""
        return self.notices[0].case

    @property
    def others(self) -> tuple[CaseRecord, ...]:
        """The cases that it tells of besides."""
        return tuple(one.case for one in self.notices[1:])

    def without_first(self) -> "PlannedMessage | None":
        """What is left when the first has been said before; None: nothing."""
        return _message(self.notices[1:]) if self.others else None


def messages_of(
    said: Sequence[PlannedNotice], notices: Mapping[str, Notice]
) -> list[PlannedMessage]:
    """Put together what goes out to a member; what is held stands alone."""
    groups: dict[Group, list[PlannedNotice]] = {}
    for one in said:
        sent = isinstance(one.outcome, Send)
        group = group_of(one.case, one.plan, notices) if sent else ("held", one.case.case_id)
        groups.setdefault(group, []).append(one)
    return [_message(sorted(some, key=lambda one: one.urgency)) for some in groups.values()]


def _message(said: Sequence[PlannedNotice]) -> PlannedMessage:
    outcome = said[0].outcome
    if len(said) > 1:
        outcome = Send(draft=as_one([one.outcome.draft for one in said]))
    return PlannedMessage(notices=tuple(said), outcome=outcome)
