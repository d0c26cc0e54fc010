"""The one door: events go in, decisions come out, and what follows is stored with them.

Everything happens in the caller's transaction. An event that our own rules break on stays on
record undecided, with a task, and a sweep tries it again; it never takes others down with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.decision import CaseChange, CaseMove, Decision, Hold, Send, Skip
from notifier.model.errors import FieldError
from notifier.model.membership import MemberUpdated
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.task import WAITED_FOR, TaskDraft, uncertain
from notifier.rules.rules import decide
from notifier.rules.rules.cards import REQUESTS
from notifier.store import cases, events, history, members, messages, superseded, tasks
from notifier.store.db import lost_a_race
from notifier.store.messages import Move

from . import records
from .changes import changed
from .creation import message_row
from .gathering import Known, Wanted, gather, part, tell_anew
from .records import Taken
from .release import release
from .situations import Arrived, House, load
from .undecided import Broken, leave_undecided

_WAVE = 500


@dataclass(slots=True)
class Followed:
    """What followed from a number of events."""

    errors: list[FieldError] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)  # in which something now waits


async def take(
    conn: AsyncConnection, arrived: Sequence[Arrived], house: House, *, actor: Actor, now: datetime
) -> Followed:
    """Decide events in the order given and store what follows.

    Events that do not fit the record come back as ``errors`` and must not be committed.
    """
    followed = Followed()
    await members.lock(conn, await _concerned(conn, arrived))
    for wave in _waves(arrived):
        await _take_wave(conn, wave, house, followed, actor=actor, now=now)
    followed.lanes |= await _reached(conn, arrived, house, actor=actor, now=now)
    return followed


async def _concerned(conn: AsyncConnection, arrived: Sequence[Arrived]) -> set[str]:
    """Numbers of all members that the events are about, or that corrected events were about."""
    corrected = [(a.event.source, a.event.supersedes) for a in arrived if a.event.supersedes]
    return {a.event.member_no for a in arrived} | await superseded.members_of(conn, corrected)


async def _reached(
    conn: AsyncConnection, arrived: Sequence[Arrived], house: House, *, actor: Actor, now: datetime
) -> set[Lane]:
    """Release what was held for want of an address that has now been told."""
    told = [a.event.member_no for a in arrived if isinstance(a.event.data, MemberUpdated)]
    if not told:
        return set()
    known = await members.by_number(conn, told)
    ids = [m.member_id for m in known.values()]
    held = await messages.held(conn, reason=Reason.NO_ADDRESS, member_ids=ids)
    released = await release(conn, held, house, actor=actor, now=now)
    queued = {r.message_id for r in released if r.state is State.QUEUED}
    return {house.notices[h.notice].lane for h in held if h.message_id in queued}


def _waves(arrived: Iterable[Arrived]) -> Iterator[list[Arrived]]:
    """Cut a sequence so that no wave speaks twice of one member, charge or refund."""
    wave: list[Arrived] = []
    seen: set[object] = set()
    for a in arrived:
        keys = {("member", a.event.member_no)}
        keys |= {(n, str(v)) for n in ("charge_id", "refund_id") if (v := _value(a, n))}
        keys.add(("event", a.event.id))
        replaces = {("event", a.event.supersedes)} if a.event.supersedes else set()
        if len(wave) == _WAVE or (keys | replaces) & seen:
            yield wave
            wave, seen = [], set()
        wave.append(a)
        seen |= keys
    if wave:
        yield wave


def _value(arrived: Arrived, name: str) -> object:
    return getattr(arrived.event.data, name, None)


async def _take_wave(
    conn: AsyncConnection,
    wave: list[Arrived],
    house: House,
    followed: Followed,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    try:
        async with conn.begin_nested():
            ready, errors = await load(conn, wave, house, now, actor)
            taken = [(a, s, decide(a.event, s)) for a, s in ready]
            lanes = await apply(conn, taken, house, actor=actor, now=now)
    except Exception as problem:
        if _is_not_its_own(problem):
            raise
        if len(wave) > 1:  # find the one that breaks; the others go through
            for single in wave:
                await _take_wave(conn, [single], house, followed, actor=actor, now=now)
            return
        broken = Broken(wave[0].event_id, wave[0].event.type, type(problem).__name__)
        await leave_undecided(conn, broken, actor=actor, now=now)
        return
    followed.errors += errors
    followed.lanes |= lanes


def _is_not_its_own(problem: Exception) -> bool:
    """Whether it is the connection or another transaction that an event broke on."""
    return lost_a_race(problem) or (
        isinstance(problem, DBAPIError) and problem.connection_invalidated
    )


async def apply(
    conn: AsyncConnection, taken: Sequence[Taken], house: House, *, actor: Actor, now: datetime
) -> set[Lane]:
    """Store what was decided about a wave; the lanes in which something now waits."""
    await records.write(conn, taken, actor=actor, now=now)
    case_ids = await _write_cases(conn, taken, actor=actor, now=now)
    await _cancel(conn, taken, case_ids, house, actor=actor, now=now)
    made = await _write_messages(conn, taken, case_ids, house, actor=actor, now=now)
    await _write_outcomes(conn, taken, made, actor=actor, now=now)
    return {
        house.notices[o.draft.notice].lane
        for _, _, d in taken
        for o in d.outcomes
        if isinstance(o, Send)
    }


Cases = dict[tuple[int, str], int]  # (event id, matter) → case id


async def _write_cases(
    conn: AsyncConnection, taken: Sequence[Taken], *, actor: Actor, now: datetime
) -> Cases:
    wanted = [(a, s, c) for a, s, d in taken for c in d.cases]
    given = [changed(c, a.event, a.event_id, s) for a, s, c in wanted]
    ids = await cases.save(conn, given, actor=actor, now=now)
    return {(a.event_id, c.matter): ids[n] for n, (a, _, c) in enumerate(wanted)}


async def _cancel(
    conn: AsyncConnection,
    taken: Sequence[Taken],
    ids: Cases,
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Stop what the events make moot: cancelled where it has not left, else never tried again."""
    why = await _replaced(conn, taken, ids, actor=actor, now=now)
    changes = [(ids[a.event_id, c.matter], c) for a, _, d in taken for c in d.cases]
    asked = [(case_id, c.cancels or REQUESTS, _below(c)) for case_id, c in changes if _stops(c)]
    found = await history.unsettled(conn, asked)
    for case_id, change in changes:
        reason = change.reason if change.cancels else Reason.SUPERSEDED
        why |= {m: reason for m in found.get(case_id, ()) if m not in why}
    parted = await part(conn, [*why], set(ids.values()), actor=actor, now=now)
    why = {m: r for m, r in why.items() if m not in parted.kept}
    moves = [Move(message_id=m, after=State.CANCELLED, reason=r) for m, r in why.items()]
    moved = await messages.move(conn, moves, actor=actor, now=now)
    await tell_anew(conn, parted, set(moved), house, actor=actor, now=now)
    unclear = await messages.stop(conn, why, now=now)
    drafts = [uncertain(message_id, notice) for message_id, notice in unclear]
    await tasks.raise_all(conn, drafts, actor=actor, now=now)


def _stops(change: CaseChange) -> bool:
    return bool(change.cancels) or change.move is CaseMove.OPEN


def _below(change: CaseChange) -> int | None:
    """A new failure, or a corrected one, leaves only requests of its own generation."""
    return None if change.cancels else change.generation


async def _replaced(
    conn: AsyncConnection, taken: Sequence[Taken], ids: Cases, *, actor: Actor, now: datetime
) -> dict[int, Reason]:
    """What superseded events left: their messages, and cases of which nothing is said any more."""
    gone = frozenset[int]().union(*(s.superseded for _, s, _ in taken))
    closed = await superseded.close_cases(conn, gone, others=ids.values(), actor=actor, now=now)
    found = [*await superseded.unsettled_messages(conn, gone)]
    left = await history.unsettled(conn, [(case_id, REQUESTS, None) for case_id in closed])
    for unsent in left.values():
        found += unsent
    return dict.fromkeys(found, Reason.SUPERSEDED)


#: (event id, outcome) → message id, and why it is not a new one
Made = dict[tuple[int, int], tuple[int, Reason | None]]


async def _write_messages(
    conn: AsyncConnection,
    taken: Sequence[Taken],
    ids: Cases,
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> Made:
    places: list[tuple[int, int]] = []
    rows: list[dict[str, object]] = []
    wanted: dict[int, Wanted] = {}
    for arrived, situation, decision in taken:
        for n, outcome in enumerate(decision.outcomes):
            if isinstance(outcome, Skip):
                continue
            notice = house.notices[outcome.draft.notice]
            row = message_row(
                outcome.draft,
                notice,
                case_id=ids[arrived.event_id, outcome.draft.matter],
                member_id=situation.member.member_id,
                language=situation.member.language,
                held=outcome.reason if isinstance(outcome, Hold) else None,
                now=now,
            )
            if isinstance(outcome, Send):
                wanted[len(rows)] = Wanted(row, outcome.draft, arrived.event, situation, notice)
            places.append((arrived.event_id, n))
            rows.append(row)
    said = await history.said_before(conn, rows)
    old = {n: s.message_id for n, s in said.items() if s.message_id}
    for n, before in said.items():  # all was taken back: it is said anew
        rows[n]["generation"] = before.generation + (n not in old)
    known: Known = {n: (message_id, Reason.ALREADY_CREATED) for n, message_id in old.items()}
    open_ = {n: w for n, w in wanted.items() if n not in known}
    known |= await gather(conn, open_, actor=actor, now=now)
    fresh = [n for n in range(len(rows)) if n not in known]
    ids_of = await messages.insert(conn, [rows[n] for n in fresh], actor=actor, now=now)
    new = {n: ids_of[at] for at, n in enumerate(fresh)}
    made: Made = {p: (new[n], None) if n in new else known[n] for n, p in enumerate(places)}
    await messages.add_causes(conn, [(m, event_id) for (event_id, _), (m, _) in made.items()])
    return made


async def _write_outcomes(
    conn: AsyncConnection, taken: Sequence[Taken], made: Made, *, actor: Actor, now: datetime
) -> None:
    rows: list[dict[str, object]] = []
    drafts: list[TaskDraft] = []
    for arrived, _, decision in taken:
        told = [
            {"event_id": arrived.event_id, **_told(decision, n, made.get((arrived.event_id, n)))}
            for n in range(len(decision.outcomes))
        ]
        # The same matter told twice makes no second task.
        if decision.tasks and not _only_repeats(arrived, decision, made):
            drafts += _asked(arrived, decision, made)
            told[0]["tasks"] = [{"kind": d.kind, "key": d.key} for d in decision.tasks]
        rows += told
    if rows:
        await events.decided(conn, rows, now=now)
    await tasks.raise_all(conn, drafts, actor=actor, now=now)


def _asked(arrived: Arrived, decision: Decision, made: Made) -> list[TaskDraft]:
    """The tasks of a decision, with the messages that are held until somebody sees to them."""
    held = [
        message_id
        for n, o in enumerate(decision.outcomes)
        if isinstance(o, Hold) and not (found := made[arrived.event_id, n])[1]
        for message_id in found[:1]
    ]
    return [replace(t, messages=tuple(held)) if t.kind in WAITED_FOR else t for t in decision.tasks]


def _only_repeats(arrived: Arrived, decision: Decision, made: Made) -> bool:
    why = [
        made[arrived.event_id, n][1]
        for n, o in enumerate(decision.outcomes)
        if not isinstance(o, Skip)
    ]
    return bool(why) and set(why) <= {Reason.ALREADY_CREATED, Reason.SAID_LATELY}


def _told(decision: Decision, n: int, made: tuple[int, Reason | None] | None) -> dict[str, object]:
    outcome = decision.outcomes[n]
    if isinstance(outcome, Skip):
        return {
            "outcome": "skip",
            "reason": outcome.reason,
            "notice": outcome.notice,
            "details": dict(outcome.details),
        }
    assert made is not None
    message_id, why = made
    row: dict[str, object] = {
        "notice": outcome.draft.notice,
        "message_id": message_id,
        "details": {},
    }
    if why is not None:
        return {**row, "outcome": "skip", "reason": why}
    if isinstance(outcome, Hold):
        details = dict(outcome.details)
        return {**row, "outcome": "hold", "reason": outcome.reason, "details": details}
    return {**row, "outcome": "send", "reason": Reason.CREATED}
