"""The frequency guard: the same is not said twice, and charges of one day are told together.

A charge joins the message about another one as long as that has not left: both of a member, of
one scheme, with the same deadline. When one of them has been settled the others are still told.
Only members with another case are looked up, so that the first failure of a month costs nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.decision import CaseKind
from notifier.model.event import Event
from notifier.model.message import Draft
from notifier.model.notice import Notice
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord, Situation
from notifier.model.states import Channel, State
from notifier.rules.together import (
    charges_of,
    fit,
    joined,
    shown_of,
    step_of,
    useful_until,
    without,
)
from notifier.store import coalescing, messages
from notifier.store.db import loads

from .new_messages import message_row, shown_row
from .rule_context import RuleContext


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message that the rules want to send."""

    row: dict[str, Any]  # for messages.insert
    draft: Draft
    event: Event
    situation: Situation
    notice: Notice


Known = dict[int, tuple[int, Reason]]  # place → the message that says it, and why none is made


async def coalesce(
    conn: AsyncConnection, wanted: Mapping[int, Wanted], *, actor: Actor, now: datetime
) -> Known:
    """Find what need not be a message of its own: it has just been said, or joins another one."""
    said = await coalescing.recently_sent(
        conn, [a for n, w in wanted.items() if (a := _same(n, w, now))]
    )
    known = {n: (message_id, Reason.SAID_LATELY) for n, message_id in said.items()}
    asked = [a for n, w in wanted.items() if n not in known and (a := _near(n, w))]
    known |= await _join(conn, wanted, asked, actor=actor, now=now)
    for n, w in wanted.items():  # whoever is the first of its day waits for others
        if n not in known and w.notice.together:
            w.row["next_attempt_at"] = max(w.row["next_attempt_at"], now + w.notice.together)
    return known


def _same(n: int, w: Wanted, now: datetime) -> dict[str, Any] | None:
    about = [c.case_id for c in w.situation.cases if _about(c, w.draft)]
    if w.notice.window is None or not about:
        return None
    since = {"since": now - w.notice.window, "facts": w.row["facts"]}
    return {"n": n, "cases": about, "notice": w.draft.notice, "step": w.draft.step, **since}


def _about(case: CaseRecord, draft: Draft) -> bool:
    return (case.matter, case.scheme) == (draft.matter, draft.scheme)


def _near(n: int, w: Wanted) -> dict[str, Any] | None:
    about = [c.case_id for c in w.situation.cases if _beside(c, w)]
    if w.notice.together is None or not about:
        return None
    names = {name: w.row[name] for name in ("notice", "step", "channel")}
    return {"n": n, "cases": about, **names}


def _beside(case: CaseRecord, w: Wanted) -> bool:
    return (
        case.kind is CaseKind.CHARGE
        and case.is_open
        and (case.source, case.scheme) == (w.event.source, w.draft.scheme)
        and case.matter != w.draft.matter
        and fit(case.facts or {}, w.draft.facts)
    )


async def _join(
    conn: AsyncConnection,
    wanted: Mapping[int, Wanted],
    asked: Sequence[Mapping[str, Any]],
    *,
    actor: Actor,
    now: datetime,
) -> Known:
    found = await coalescing.waiting(conn, asked)
    changes = {
        r.n: _change(r.message_id, facts)
        for r in found
        if (facts := joined(loads(r.facts), wanted[r.n].draft.facts)) is not None
    }
    amended = await coalescing.amend(
        conn, changes.values(), reason=Reason.TOLD_TOGETHER, actor=actor, now=now
    )
    known = {n: c["message_id"] for n, c in changes.items() if c["message_id"] in amended}
    cases = [(m, wanted[n].row["case_id"], wanted[n].row["generation"]) for n, m in known.items()]
    await coalescing.add_cases(conn, cases)
    return {n: (message_id, Reason.TOLD_TOGETHER) for n, message_id in known.items()}


def _change(message_id: int, facts: Mapping[str, Any]) -> dict[str, Any]:
    shown = [shown_row(s) for s in shown_of(charges_of(facts))]
    return {"message_id": message_id, "facts": facts, "shown": shown}


@dataclass(frozen=True, slots=True)
class Split:
    """What becomes of messages about several charges of which some are told no more."""

    kept: frozenset[int]  # messages that go on without them
    anew: Mapping[int, Sequence[Mapping[str, Any]]]  # message → cases that it leaves untold
    found: Mapping[int, coalescing.ToldMessage]


async def split(
    conn: AsyncConnection,
    stopped: Sequence[int],
    touched: set[int],
    *,
    actor: Actor,
    now: datetime,
) -> Split:
    """Let messages go on that are to be stopped for some of their charges only.

    ``touched``: cases of which the message must say no more. Where the case of its own key is one
    of them the message is stopped, and :func:`tell_anew` tells of the others.
    """
    found = {r.message_id: r for r in await coalescing.told(conn, stopped)}
    changes, anew, gone = [], {}, []
    for message_id, r in found.items():
        told = in_order(r)
        left = [one for one in told if one["is_open"] and one["case_id"] not in touched]
        if left and left[0]["case_id"] == r.case_id:
            others = [one for one in told if one not in left]
            facts = without(loads(r.facts), {one["matter"] for one in others})
            assert facts is not None
            changes.append(_change(message_id, facts))
            gone += [(message_id, one["case_id"]) for one in others]
        elif left:
            anew[message_id] = left
    kept = await coalescing.amend(conn, changes, reason=Reason.TOLD_TOGETHER, actor=actor, now=now)
    await coalescing.drop_cases(conn, [(m, c) for m, c in gone if m in kept])
    return Split(frozenset(kept), anew, found)


def in_order(r: coalescing.ToldMessage) -> list[dict[str, Any]]:
    """The cases that a message tells of in its own order; a row of ``store.coalescing.told``."""
    place = {one["charge_id"]: n for n, one in enumerate(charges_of(loads(r.facts)))}
    return sorted(loads(r.told), key=lambda one: place[one["matter"]])


async def tell_anew(
    conn: AsyncConnection,
    parts: Split,
    moved: set[int],
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Messages for the charges that were told in one that has now been stopped (``moved``)."""
    given = [(parts.found[m], left) for m, left in parts.anew.items() if m in moved]
    rows = [_anew(r, left, context, now) for r, left in given]
    made = await messages.insert(conn, rows, actor=actor, now=now)
    cases, causes = [], []
    for n, message_id in made.items():
        first, *others = given[n][1]
        cases += [(message_id, one["case_id"], one["generation"]) for one in others]
        if given[n][0].caused:  # a reminder has no event behind it
            causes += [(message_id, one["opener"]) for one in (first, *others) if one["opener"]]
    await coalescing.add_cases(conn, cases)
    await messages.add_causes(conn, causes)


def _anew(
    r: coalescing.ToldMessage,
    left: Sequence[Mapping[str, Any]],
    context: RuleContext,
    now: datetime,
) -> dict[str, Any]:
    facts, kept = loads(r.facts), {one["matter"] for one in left}
    rest = without(facts, {c["charge_id"] for c in charges_of(facts)} - kept)
    assert rest is not None
    step = step_of(facts, left[0]["matter"], r.step)
    draft = Draft(
        notice=r.notice,
        step=step,
        scheme=r.scheme,
        channel=Channel(r.channel),
        generation=left[0]["generation"],
        facts=rest,
        shown=shown_of(charges_of(rest)),
        useful_until=useful_until(rest) if r.useful_until else None,
    )
    return message_row(
        draft,
        context.notices[r.notice],
        case_id=left[0]["case_id"],
        member_id=r.member_id,
        language=r.language,
        held=Reason(r.reason) if r.state == State.HELD else None,
        now=now,
    )
