"""What several cases of a member say by themselves on one day: one message, the most urgent first.

A group is what one message may tell of: the charges of one member, from one source and in one
scheme, in the words of a notice that allows it (``together``). Everything else stands alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.decision import CaseKind, Hold, Send
from notifier.model.plan import Plan
from notifier.model.situation import CaseRecord
from notifier.rules.together import as_one
from notifier.store import coalescing

from .situations import House

Group = tuple[object, ...]


def group_of(case: CaseRecord, plan: Plan, house: House) -> Group:
    """What a case's reminders belong to."""
    if case.kind is not CaseKind.CHARGE or house.notices[plan.notice].together is None:
        return (case.case_id,)
    return (case.member_id, case.source, case.scheme, plan.notice)


async def reminded(
    conn: AsyncConnection, asked: Sequence[tuple[CaseRecord, Plan]], today: date
) -> set[Group]:
    """Groups of these cases of which something is said today already."""
    if not asked:
        return set()
    ids = sorted({case.member_id for case, _ in asked})
    notices = sorted({plan.notice for _, plan in asked})
    found = await coalescing.planned_notices(conn, ids, notices, today)
    return {(r.member_id, r.source, r.scheme, r.notice) for r in found}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
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
class Message:
    """A message to be made, of several cases or of one; it stands under the first one's key."""

    said: tuple[Said, ...]
    outcome: Send | Hold

    @property
    def case(self) -> CaseRecord:
        """The case of its key."""
        return self.said[0].case

    @property
    def others(self) -> tuple[CaseRecord, ...]:
        """The cases that it tells of besides."""
        return tuple(one.case for one in self.said[1:])

    def without_first(self) -> "Message | None":
        """What is left when the first has been said before; None: nothing."""
        return _message(self.said[1:]) if self.others else None


def messages_of(said: Sequence[Said], house: House) -> list[Message]:
    """Put together what goes out to a member; what is held stands alone."""
    groups: dict[Group, list[Said]] = {}
    for one in said:
        sent = isinstance(one.outcome, Send)
        group = group_of(one.case, one.plan, house) if sent else ("held", one.case.case_id)
        groups.setdefault(group, []).append(one)
    return [_message(sorted(some, key=lambda one: one.urgency)) for some in groups.values()]


def _message(said: Sequence[Said]) -> Message:
    outcome = said[0].outcome
    if len(said) > 1:
        outcome = Send(draft=as_one([one.outcome.draft for one in said]))
    return Message(said=tuple(said), outcome=outcome)
