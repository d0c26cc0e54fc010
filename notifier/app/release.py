"""Held messages decided again as the record stands; what waits, once the register changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.coalescing import in_order
from notifier.app.new_messages import expiry, shown_row
from notifier.app.rule_context import RuleContext
from notifier.app.situations import IncomingEvent
from notifier.app.situations import load_situations as load
from notifier.model.actor import Actor
from notifier.model.decision import Decision, Hold, Outcome, Send, Skip
from notifier.model.event import Event
from notifier.model.message import Draft
from notifier.model.reasons import Reason
from notifier.model.situation import Situation
from notifier.model.states import UNSENT, Channel, State
from notifier.model.verdict import Category
from notifier.rules.calendar import japan_date
from notifier.rules.facts import amounts_of
from notifier.rules.guard import check_due
from notifier.rules.rules import decide
from notifier.rules.rules.outcomes import goes_out, hold_task, weigh
from notifier.rules.together import charges_of, joined, shown_of
from notifier.store import (
    cases,
    coalescing,
    events,
    fallbacks,
    members,
    messages,
    suppressions,
    tasks,
)
from notifier.store.db import loads
from notifier.store.messages import Move

from . import event_records as records
from .planned_notices import record_of, weigh_again

_Told = messages.WaitingMessage | fallbacks.ToldMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What became of a held message."""

    message_id: int
    state: State
    reason: Reason


async def release(
    conn: AsyncConnection,
    held: Sequence[messages.WaitingMessage],
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
    category: Category | None = None,
) -> list[Released]:
    """Take held messages through the rules again; nobody can wave an amount past the guard.

    ``category`` is a person's reading of a gateway code that no table knows.
    """
    released = [
        await _release(conn, message, context, actor=actor, now=now, category=category)
        for message in held
    ]
    queued = [r.message_id for r in released if r.state is State.QUEUED]
    waiting = await suppressions.to_stop(conn, now=now, ids=queued) if queued else []
    stopped = set(await messages.move(conn, suppressions.stops(waiting), actor=actor, now=now))
    return [_stopped(r) if r.message_id in stopped else r for r in released]


def _stopped(released: Released) -> Released:
    return replace(released, state=State.SUPPRESSED, reason=Reason.ADDRESS_SUPPRESSED)


async def _release(
    conn: AsyncConnection,
    message: messages.WaitingMessage,
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
    category: Category | None,
) -> Released:
    outcome, cause = await outcome_now(conn, message, context, now=now, category=category)
    if isinstance(outcome, Hold):
        return _stays(message, outcome.reason)
    if not isinstance(outcome, Send) or outcome.draft.channel is None:
        return _stays(message, Reason(message.reason))
    if cause is not None:  # what was held for its amounts went on no record then
        await records.write(conn, [(*cause, Decision(outcomes=(outcome,)))], actor=actor, now=now)
    return await _send(conn, message, outcome, context, actor=actor, now=now)


async def outcome_now(
    conn: AsyncConnection,
    message: _Told,
    context: RuleContext,
    *,
    now: datetime,
    category: Category | None = None,
) -> tuple[Outcome, tuple[IncomingEvent, Situation] | None]:
    """What the rules say of a message as the record stands, and the event that they looked at."""
    causes = await events.told_by(conn, message.message_id)
    if not causes:  # a reminder or a mailing: no event, the case itself speaks
        return await _case_says(conn, message, context, now), None
    said = []
    for event_id, event in causes:
        arrived = IncomingEvent(place=0, event_id=event_id, event=event)
        ready, _ = await load(conn, [arrived], context, now)
        if not ready:
            return Skip(reason=Reason.RECORD_ONLY), None
        others = len(causes) > 1
        said.append((_again(ready[0][1], event, message, category, others=others), ready[0]))
    return _as_one(said)


def _as_one(
    said: Sequence[tuple[Outcome, tuple[IncomingEvent, Situation]]],
) -> tuple[Outcome, tuple[IncomingEvent, Situation]]:
    """The outcome for charges that are told together: whatever speaks against one counts."""
    against = next((one for one in said if not isinstance(one[0], Send)), None)
    if against is not None:
        return against
    (first, cause), *others = said
    assert isinstance(first, Send)
    facts: Mapping[str, Any] | None = first.draft.facts
    for other, _ in others:
        assert isinstance(other, Send)
        facts = joined(facts, other.draft.facts) if facts is not None else None
    if not others or facts is None:
        return first, cause
    shown = shown_of(charges_of(facts))
    return Send(draft=replace(first.draft, facts=facts, shown=shown)), cause


async def _case_says(
    conn: AsyncConnection, message: _Told, context: RuleContext, now: datetime
) -> Outcome:
    found = await messages.get(conn, message.message_id)
    assert found is not None
    if message.member_id is None:
        return _report_says(found, context, now)
    several = await coalescing.told(conn, [message.message_id])
    ids = [one["case_id"] for r in several for one in in_order(r)] or [message.case_id]
    told = [case for i in ids if (case := await cases.get(conn, i))]
    [member] = (await members.by_id(conn, [message.member_id])).values()
    specs = context.notices[found.notice].fields_for(found.step)
    amounts = amounts_of(specs, loads(found.facts))
    record = await record_of(conn, amounts, found.scheme, [member.member_id])
    return weigh_again(found, told, member, context, now, record)


def _report_says(found: messages.MessageRecord, context: RuleContext, now: datetime) -> Outcome:
    """A letter to somebody who is no member goes as it is, in the name of a sender in force."""
    draft = Draft(
        notice=found.notice,
        step=found.step,
        scheme=found.scheme,
        matter=found.matter,
        channel=Channel.LETTER,
        generation=found.generation,
        facts=loads(found.facts),
    )
    scheme = context.schemes.get(found.scheme)
    if scheme is None or scheme.brand_on(japan_date(now)) is None:
        return Hold(draft=draft, reason=Reason.NO_BRAND)
    return Send(draft=draft)


async def _send(
    conn: AsyncConnection,
    message: messages.WaitingMessage,
    outcome: Send,
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
) -> Released:
    assert outcome.draft.channel is not None
    starts = goes_out(outcome.draft, now)
    await coalescing.readdress(
        conn,
        message.message_id,
        channel=outcome.draft.channel,
        facts=outcome.draft.facts,
        shown=[shown_row(s) for s in outcome.draft.shown],
        expires_at=expiry(outcome.draft, context.notices[message.notice], starts),
    )
    return await _queue(conn, message.message_id, starts, actor=actor, now=now)


def _stays(message: messages.WaitingMessage, reason: Reason) -> Released:
    return Released(message_id=message.message_id, state=State.HELD, reason=reason)


def _again(
    situation: Situation,
    event: Event,
    message: _Told,
    category: Category | None,
    *,
    others: bool,
) -> Outcome:
    """The outcome for this message if the event were decided now, before any case of its own.

    ``others``: it is told together with others, under the case of one of them.
    """
    own = message.case_id
    matter = getattr(event.data, "charge_id", None) if others else None
    before = tuple(c for c in situation.cases if c.case_id != own and c.matter != matter)
    for outcome in decide(event, replace(situation, cases=before)).outcomes:
        if isinstance(outcome, Skip) or outcome.draft.notice != message.notice:
            continue
        if isinstance(outcome, Hold) and outcome.reason is Reason.UNKNOWN_GATEWAY_CODE and category:
            return _read_by_person(situation, event, outcome, category)
        return outcome
    return Skip(reason=Reason.RECORD_ONLY)


def _read_by_person(situation: Situation, event: Event, hold: Hold, category: Category) -> Outcome:
    draft = replace(hold.draft, facts={**hold.draft.facts, "category": category})
    data: Any = event.data
    assert situation.scheme is not None
    return weigh(situation, draft, check_due(situation.scheme, data.charged_on, data.amounts))


async def _queue(
    conn: AsyncConnection, message_id: int, starts: datetime, *, actor: Actor, now: datetime
) -> Released:
    move = Move(
        message_id=message_id,
        after=State.QUEUED,
        reason=Reason.RELEASED,
        retry_at=starts,
        only_from=(State.HELD,),
    )
    await messages.move(conn, [move], actor=actor, now=now)
    return Released(message_id=message_id, state=State.QUEUED, reason=Reason.RELEASED)


async def recheck(
    conn: AsyncConnection, scheme: str, context: RuleContext, *, actor: Actor, now: datetime
) -> int:
    """Hold what has not left and contradicts the register as it now stands; how many.

    Printed letters too: their batch cannot be handed over with them.
    """
    waiting = await messages.waiting(conn, scheme)
    moves, drafts = [], {}
    for message in waiting:
        outcome, _ = await outcome_now(conn, message, context, now=now)
        if isinstance(outcome, Hold) and "contradictions" in outcome.details:
            moves.append(
                Move(
                    message_id=message.message_id,
                    after=State.HELD,
                    reason=outcome.reason,
                    only_from=tuple(UNSENT - {State.HELD}),
                )
            )
            drafts[message.message_id] = hold_task(outcome, message.message_id)
    moved = await messages.move(conn, moves, actor=actor, now=now)
    await tasks.raise_all(conn, [drafts[m] for m in moved], actor=actor, now=now)
    return len(moved)
