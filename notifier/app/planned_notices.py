"""What is said without an event, by a plan or a mailing: weighed like all else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.rule_context import RuleContext
from notifier.app.situations import letter_by
from notifier.model.decision import Hold, Send
from notifier.model.member import Member
from notifier.model.message import Draft
from notifier.model.money import AmountRole
from notifier.model.notice import FieldSpec, plan_of
from notifier.model.plan import Plan
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, ChargeRecord, Situation
from notifier.model.states import Channel
from notifier.rules.calendar import japan_date
from notifier.rules.facts import FactAmounts, Shown, amounts_of, check_facts
from notifier.rules.plan import earliest
from notifier.rules.rules.outcomes import choose, reaches, weigh
from notifier.rules.together import as_one, step_of
from notifier.store import charges, history
from notifier.store.db import loads
from notifier.store.messages import MessageRecord


@dataclass(frozen=True, slots=True)
class Record:
    """What is on record to hold amounts against, by member id."""

    charges: Mapping[int, ChargeRecord]
    shown: Mapping[int, Sequence[Shown]]


def say(
    case: CaseRecord, plan: Plan, step: str, member: Member, context: RuleContext, now: datetime
) -> Send | Hold:
    """A step of a case's plan. The guard looks at its amounts once more: the register may have
    been put right since the case was opened."""
    given = {**(case.facts or {}), "charge_id": case.matter}
    if step == plan.over:
        given.pop("recharge_on", None)  # nobody has told whether it was tried
    situation = _situation(case, member, context, now)
    if (day := given.get("reply_by")) and day < situation.today.isoformat():
        del given["reply_by"]  # it is over: nobody is asked to keep it
    specs = context.notices[plan.notice].fields_for(step)
    facts = _facts(given, specs)
    amounts = amounts_of(specs, facts)
    draft = Draft(
        notice=plan.notice,
        step=step,
        scheme=case.scheme,
        matter=case.matter,
        channel=choose(member, context.notices[plan.notice]),
        generation=case.generation,
        facts=facts,
        shown=amounts.shown,
        not_before=situation.not_before(plan.notice, step),
        useful_until=None if step == plan.over else case.deadline,
    )
    return weigh(situation, draft, check_facts(amounts, context.schemes[case.scheme], None, ()))


def weigh_again(
    found: MessageRecord,
    told: Sequence[CaseRecord],
    member: Member,
    context: RuleContext,
    now: datetime,
    record: Record,
) -> Send | Hold:
    """A held message that no event caused, weighed as the record stands now.

    ``found`` is a row of :func:`notifier.store.messages.get`; ``told``: the cases that it tells
    of, the first one first; ``record``: what the amounts of a mailing are held against.
    """
    case = told[0]
    if case.plan is not None:
        outcome = _say_all(found, told, member, context, now)
        last = outcome.draft.useful_until
        late = last is not None and last < japan_date(now)
        if late and isinstance(outcome, Send):
            return Hold(draft=outcome.draft, reason=Reason.DEADLINE_PASSED)
        return outcome
    stood = Channel(found.channel)
    channel = stood if reaches(member, stood) else Channel.LETTER
    situation = _situation(case, member, context, now)
    draft = Draft(
        notice=found.notice,
        step=found.step,
        scheme=case.scheme,
        matter=case.matter,
        channel=channel if reaches(member, channel) else None,
        generation=found.generation,
        facts=loads(found.facts),
        not_before=situation.not_before(found.notice, found.step),
    )
    return weigh_facts(situation, draft, record)


def _say_all(
    found: MessageRecord,
    told: Sequence[CaseRecord],
    member: Member,
    context: RuleContext,
    now: datetime,
) -> Send | Hold:
    """What speaks against one of the charges speaks against the message."""
    facts, drafts = loads(found.facts), []
    for case in told:
        assert case.plan is not None
        step = step_of(facts, case.matter, found.step)
        outcome = say(case, plan_of(context.notices, case.plan), step, member, context, now)
        if isinstance(outcome, Hold):
            return outcome
        drafts.append(outcome.draft)
    return Send(draft=as_one(drafts))


def _situation(case: CaseRecord, member: Member, context: RuleContext, now: datetime) -> Situation:
    starts = earliest(now, context.calendar(case.scheme))
    return Situation(
        now=now,
        today=japan_date(now),
        member=member,
        scheme=context.schemes[case.scheme],
        notices=context.notices,
        calendar=context.calendar(case.scheme),
        earliest=starts,
        cases=(case,),
        letter_by=letter_by(member, case.scheme, context, starts),
    )


def _facts(given: Mapping[str, Any], specs: Sequence[FieldSpec]) -> dict[str, Any]:
    """The facts of a notice. Raises KeyError where one that it cannot do without is missing."""
    wanted = {spec.name for spec in specs}
    facts = {name: v for name, v in given.items() if name in wanted and v is not None}
    for spec in specs:
        if not spec.optional and spec.name not in facts:
            raise KeyError(spec.name)
    return facts


async def record_of(
    conn: AsyncConnection, given: FactAmounts, scheme: str, member_ids: Sequence[int]
) -> Record:
    """What was charged and shown to members, as far as amounts of these facts ask for it."""
    if given.one(AmountRole.CHARGED_WRONGLY) is None or given.day is None:
        return Record({}, {})
    said = await history.shown_to(conn, member_ids, scheme)
    shown = {
        member_id: [frozenset((AmountRole(r), name, yen) for r, name, yen in one) for one in told]
        for member_id, told in said.items()
    }
    return Record(await charges.submitted_on(conn, member_ids, given.day), shown)


def weigh_facts(situation: Situation, draft: Draft, record: Record) -> Send | Hold:
    """Weigh a draft whose facts no event has told: its amounts are held against the record."""
    assert situation.scheme is not None
    given = amounts_of(situation.notices[draft.notice].fields_for(draft.step), draft.facts)
    member_id = situation.member.member_id
    found = check_facts(
        given,
        situation.scheme,
        record.charges.get(member_id),
        record.shown.get(member_id, ()),
    )
    return weigh(situation, replace(draft, shown=given.shown), found)
