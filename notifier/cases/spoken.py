"""What a case says by itself, without an event: reminders and mailings, weighed like all else."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import RowMapping

from notifier.decide.calendar import japan_date
from notifier.decide.channel import choose
from notifier.decide.guard import Contradiction, check_due
from notifier.decide.rules.outcomes import weigh
from notifier.model.decision import Hold, Send
from notifier.model.member import Member
from notifier.model.message import Draft
from notifier.model.money import AmountRole, ChargeAmounts, ChargeLine, LineKind, shown
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.model.states import Channel
from notifier.store.db import loads

from .changes import REMINDER
from .situations import House, letter_by


def remind(case: CaseRecord, step: str, member: Member, house: House, now: datetime) -> Send | Hold:
    """A reminder of a case. The guard looks at its amounts once more: the register may have
    been put right since the case was opened."""
    facts = dict(case.facts or {})
    draft = Draft(
        notice=REMINDER,
        step=step,
        scheme=case.scheme,
        matter=case.matter,
        channel=choose(member, house.notices[REMINDER]),
        generation=case.generation,
        facts=_fields(facts, house, step),
        shown=shown(AmountRole.DUE, _amounts(facts)),
        useful_until=case.deadline,
    )
    return weigh(_situation(case, member, house, now), draft, _check(facts, case, house))


def weigh_again(
    found: RowMapping, case: CaseRecord, member: Member, house: House, now: datetime
) -> Send | Hold:
    """A held message that no event caused, weighed as the record stands now.

    ``found`` is a row of :func:`notifier.store.messages.get`.
    """
    if found["notice"] == REMINDER:
        outcome = remind(case, found["step"], member, house, now)
        late = case.deadline is not None and case.deadline < japan_date(now)
        if late and isinstance(outcome, Send):
            return Hold(draft=outcome.draft, reason=Reason.DEADLINE_PASSED)
        return outcome
    by_post = found["channel"] == Channel.LETTER or not member.email
    channel = Channel.LETTER if by_post else Channel.EMAIL
    draft = Draft(
        notice=found["notice"],
        step=found["step"],
        scheme=case.scheme,
        matter=case.matter,
        channel=channel if not by_post or member.address else None,
        generation=found["generation"],
        facts=loads(found["facts"]),
    )
    return weigh(_situation(case, member, house, now), draft)


def _check(facts: Mapping[str, Any], case: CaseRecord, house: House) -> list[Contradiction]:
    day = date.fromisoformat(facts["charged_on"])
    return check_due(house.schemes[case.scheme], day, _amounts(facts))


def _situation(case: CaseRecord, member: Member, house: House, now: datetime) -> Situation:
    return Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=house.schemes[case.scheme],
        notices=house.notices,
        cases=(case,),
        letter_by=letter_by(member, case.scheme, house, now),
    )


def _amounts(facts: Mapping[str, Any]) -> ChargeAmounts:
    """The amounts of a case as lines, so that the guard sees them as it sees an event's."""
    lines = (
        ChargeLine(kind=LineKind.PREMIUM, amount=facts["premium"]),
        ChargeLine(kind=LineKind.OPERATING_FEE, amount=facts["other_fees"]),
    )
    return ChargeAmounts(lines=lines, total=facts["total"])


def _fields(facts: Mapping[str, Any], house: House, step: str) -> dict[str, Any]:
    wanted = {f.name for f in house.notices[REMINDER].fields_for(step)}
    return {name: value for name, value in facts.items() if name in wanted and value is not None}
