"""What a case says by itself, without an event: its plan and mailings, weighed like all else."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from notifier.model.decision import Hold, Send
from notifier.model.member import Member
from notifier.model.message import Draft
from notifier.model.money import AmountRole, ChargeAmounts, ChargeLine, LineKind, shown
from notifier.model.notice import plan_of
from notifier.model.plan import Plan
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.model.states import Channel
from notifier.rules.calendar import japan_date
from notifier.rules.channel import choose
from notifier.rules.guard import Contradiction, check_due
from notifier.rules.plan import earliest
from notifier.rules.rules.outcomes import weigh
from notifier.rules.together import as_one, step_of
from notifier.store.db import loads
from notifier.store.messages import MessageRecord

from .facts import Record, weigh_facts
from .situations import House, letter_by


def say(
    case: CaseRecord, plan: Plan, step: str, member: Member, house: House, now: datetime
) -> Send | Hold:
    """A step of a case's plan. The guard looks at its amounts once more: the register may have
    been put right since the case was opened."""
    facts = {**(case.facts or {}), "charge_id": case.matter}
    if step == plan.over:
        facts.pop("recharge_on", None)  # nobody has told whether it was tried
    situation = _situation(case, member, house, now)
    if (day := facts.get("reply_by")) and day < situation.today.isoformat():
        del facts["reply_by"]  # it is over: nobody is asked to keep it
    draft = Draft(
        notice=plan.notice,
        step=step,
        scheme=case.scheme,
        matter=case.matter,
        channel=choose(member, house.notices[plan.notice]),
        generation=case.generation,
        facts=_fields(facts, house, plan.notice, step),
        shown=shown(AmountRole.DUE, _amounts(facts)),
        not_before=situation.not_before(plan.notice, step),
        useful_until=None if step == plan.over else case.deadline,
    )
    return weigh(situation, draft, _check(facts, case, house))


def weigh_again(
    found: MessageRecord,
    told: Sequence[CaseRecord],
    member: Member,
    house: House,
    now: datetime,
    record: Record,
) -> Send | Hold:
    """A held message that no event caused, weighed as the record stands now.

    ``found`` is a row of :func:`notifier.store.messages.get`; ``told``: the cases that it tells
    of, the first one first; ``record``: what the amounts of a mailing are held against.
    """
    case = told[0]
    if case.plan is not None:
        outcome = _say_all(found, told, member, house, now)
        last = outcome.draft.useful_until
        late = last is not None and last < japan_date(now)
        if late and isinstance(outcome, Send):
            return Hold(draft=outcome.draft, reason=Reason.DEADLINE_PASSED)
        return outcome
    by_post = found.channel == Channel.LETTER or not member.email
    channel = Channel.LETTER if by_post else Channel.EMAIL
    situation = _situation(case, member, house, now)
    draft = Draft(
        notice=found.notice,
        step=found.step,
        scheme=case.scheme,
        matter=case.matter,
        channel=channel if not by_post or member.address else None,
        generation=found.generation,
        facts=loads(found.facts),
        not_before=situation.not_before(found.notice, found.step),
    )
    return weigh_facts(situation, draft, record)


def _say_all(
    found: MessageRecord, told: Sequence[CaseRecord], member: Member, house: House, now: datetime
) -> Send | Hold:
    """What speaks against one of the charges speaks against the message."""
    facts, drafts = loads(found.facts), []
    for case in told:
        assert case.plan is not None
        step = step_of(facts, case.matter, found.step)
        outcome = say(case, plan_of(house.notices, case.plan), step, member, house, now)
        if isinstance(outcome, Hold):
            return outcome
        drafts.append(outcome.draft)
    return Send(draft=as_one(drafts))


def _check(facts: Mapping[str, Any], case: CaseRecord, house: House) -> list[Contradiction]:
    day = date.fromisoformat(facts.get("charged_on") or facts["renews_on"])
    return check_due(house.schemes[case.scheme], day, _amounts(facts))


def _situation(case: CaseRecord, member: Member, house: House, now: datetime) -> Situation:
    starts = earliest(now, house.calendar(case.scheme))
    return Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=house.schemes[case.scheme],
        notices=house.notices,
        calendar=house.calendar(case.scheme),
        earliest=starts,
        cases=(case,),
        letter_by=letter_by(member, case.scheme, house, starts),
    )


def _amounts(facts: Mapping[str, Any]) -> ChargeAmounts:
    """The amounts of a case as lines, so that the guard sees them as it sees an event's."""
    lines = (
        ChargeLine(kind=LineKind.PREMIUM, amount=facts["premium"]),
        ChargeLine(kind=LineKind.OPERATING_FEE, amount=facts["other_fees"]),
    )
    return ChargeAmounts(lines=lines, total=facts["total"])


def _fields(facts: Mapping[str, Any], house: House, notice: str, step: str) -> dict[str, Any]:
    wanted = {f.name for f in house.notices[notice].fields_for(step)}
    return {name: value for name, value in facts.items() if name in wanted and value is not None}
