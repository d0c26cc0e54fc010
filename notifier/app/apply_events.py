"""Apply events: decide each as the record stands, and store what follows with the decision.

Everything happens in the caller's transaction. An event that our own rules break on stays on
record undecided, with a task, and a sweep tries it again; it never takes others down with it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app import event_records as records
from notifier.app.release import release
from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.decision import CaseChange, CaseMove, Decision, Hold, Send, Skip
from notifier.model.errors import FieldError
from notifier.model.membership import MemberUpdated
from notifier.model.notice import Lane, requests_of
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.model.task import WAITED_FOR, TaskDraft, TaskKind, uncertain
from notifier.rules.case_changes import changed
from notifier.rules.rules import decide
from notifier.store import (
    cases,
    events,
    history,
    log,
    members,
    messages,
    superseded,
    tasks,
    undecided,
)
from notifier.store.failures import passes
from notifier.store.messages import Move

from .coalescing import Known, Wanted, coalesce, split, tell_anew
from .new_messages import message_row
from .rule_context import RuleContext
from .situations import DecidedEvent, IncomingEvent, load_situations

_log = get_logger(__name__)
_WAVE: Final = 500
_REPEATS: Final = frozenset({Reason.ALREADY_CREATED, Reason.SAID_LATELY})

Cases = dict[tuple[int, str], int]  # (event id, matter) → case id
#: (event id, outcome) → message id, and why it is not a new one
Made = dict[tuple[int, int], tuple[int, Reason | None]]


@dataclass(slots=True)
class Effects:
    """What followed from a number of events."""

    errors: list[FieldError] = field(default_factory=list)
    lanes: set[Lane] = field(default_factory=set)  # in which something now waits


async def apply_events(
    conn: AsyncConnection,
    events: Sequence[IncomingEvent],
    context: RuleContext,
    *,
    actor: Actor,
    now: datetime,
) -> Effects:
    """Decide events in the order given and store what follows.

    Events that do not fit the record come back as ``errors`` and must not be committed.
    """
    effects, applying = Effects(), _Applying(conn, context, actor, now)
    await members.lock(conn, await _members_of(conn, events))
    for wave in _waves(events):
        await applying.apply_wave(wave, effects)
    effects.lanes |= await applying.release_reachable(events)
    return effects


async def _members_of(conn: AsyncConnection, events: Sequence[IncomingEvent]) -> set[str]:
    """Numbers of all members that the events are about, or that corrected events were about."""
    corrected = [(e.event.source, e.event.supersedes) for e in events if e.event.supersedes]
    return {e.event.member_no for e in events} | await superseded.members_of(conn, corrected)


def _waves(events: Iterable[IncomingEvent]) -> Iterator[list[IncomingEvent]]:
    """Cut a sequence so that no wave speaks twice of one member, charge or refund."""
    wave: list[IncomingEvent] = []
    seen: set[tuple[str, str]] = set()
    for incoming in events:
        event = incoming.event
        named = {n: getattr(event.data, n, None) for n in ("charge_id", "refund_id")}
        keys = {(name, str(value)) for name, value in named.items() if value}
        keys |= {("member", event.member_no), ("event", event.id)}
        replaces = {("event", event.supersedes)} if event.supersedes else set()
        if len(wave) == _WAVE or (keys | replaces) & seen:
            yield wave
            wave, seen = [], set()
        wave.append(incoming)
        seen |= keys
    if wave:
        yield wave


@dataclass(frozen=True, slots=True)
class _Applying:
    """The transaction in which events are applied."""

    conn: AsyncConnection
    context: RuleContext
    actor: Actor
    now: datetime

    async def apply_wave(self, wave: list[IncomingEvent], effects: Effects) -> None:
        conn, context = self.conn, self.context
        try:
            async with conn.begin_nested():
                ready, errors = await load_situations(conn, wave, context, self.now, self.actor)
                decided = [DecidedEvent(e, s, decide(e.event, s)) for e, s in ready]
                lanes = await self._store(decided)
        except Exception as problem:
            if passes(problem):  # it is the database or another transaction that it broke on
                raise
            if len(wave) > 1:  # find the one that breaks; the others go through
                for single in wave:
                    await self.apply_wave([single], effects)
                return
            broken = Broken(wave[0].event_id, wave[0].event.type, type(problem).__name__)
            await leave_undecided(conn, broken, actor=self.actor, now=self.now)
            return
        effects.errors += errors
        effects.lanes |= lanes

    async def release_reachable(self, events: Sequence[IncomingEvent]) -> set[Lane]:
        """Release what was held for want of an address that has now been told."""
        told = [e.event.member_no for e in events if isinstance(e.event.data, MemberUpdated)]
        if not told:
            return set()
        known = await members.by_number(self.conn, told)
        ids = [m.member_id for m in known.values()]
        held = await messages.held(self.conn, reason=Reason.NO_ADDRESS, member_ids=ids)
        released = await release(self.conn, held, self.context, actor=self.actor, now=self.now)
        queued = {r.message_id for r in released if r.state is State.QUEUED}
        return {self.context.notices[h.notice].lane for h in held if h.message_id in queued}

    async def _store(self, decided: Sequence[DecidedEvent]) -> set[Lane]:
        """Store what was decided about a wave; the lanes in which something now waits."""
        await records.write(self.conn, decided, actor=self.actor, now=self.now)
        case_ids = await self._write_cases(decided)
        await self._cancel(decided, case_ids)
        made = await self._write_messages(decided, case_ids)
        await self._write_outcomes(decided, made)
        sends = (o for _, _, d in decided for o in d.outcomes if isinstance(o, Send))
        return {self.context.notices[o.draft.notice].lane for o in sends}

    async def _write_cases(self, decided: Sequence[DecidedEvent]) -> Cases:
        wanted = [(e, s, c) for e, s, d in decided for c in d.cases]
        given = [changed(c, e.event, e.event_id, s) for e, s, c in wanted]
        ids = await cases.save(self.conn, given, actor=self.actor, now=self.now)
        return {(e.event_id, c.matter): ids[n] for n, (e, _, c) in enumerate(wanted)}

    async def _cancel(self, decided: Sequence[DecidedEvent], ids: Cases) -> None:
        """Stop what the events make moot: cancelled where it has not left, else not tried again."""
        conn, actor, now = self.conn, self.actor, self.now
        why = await self._replaced(decided, ids)
        changes = [(ids[e.event_id, c.matter], c) for e, _, d in decided for c in d.cases]
        requests = requests_of(self.context.notices)
        asked = [(i, c.cancels or requests, _below(c)) for i, c in changes if _stops(c)]
        found = await history.unsettled(conn, asked)
        for case_id, change in changes:
            reason = change.reason if change.cancels else Reason.SUPERSEDED
            why |= {m: reason for m in found.get(case_id, ()) if m not in why}
        parts = await split(conn, [*why], set(ids.values()), actor=actor, now=now)
        why = {m: r for m, r in why.items() if m not in parts.kept}
        moves = [Move(message_id=m, after=State.CANCELLED, reason=r) for m, r in why.items()]
        moved = await messages.move(conn, moves, actor=actor, now=now)
        await tell_anew(conn, parts, set(moved), self.context, actor=actor, now=now)
        unclear = await messages.stop(conn, why, now=now)
        drafts = [uncertain(message_id, notice) for message_id, notice in unclear]
        await tasks.raise_all(conn, drafts, actor=actor, now=now)

    async def _replaced(self, decided: Sequence[DecidedEvent], ids: Cases) -> dict[int, Reason]:
        """What superseded events left: their messages, and cases that nothing speaks of now."""
        gone = frozenset[int]().union(*(s.superseded for _, s, _ in decided))
        closed = await superseded.close_cases(
            self.conn, gone, others=ids.values(), actor=self.actor, now=self.now
        )
        found = [*await superseded.unsettled_messages(self.conn, gone)]
        requests = requests_of(self.context.notices)
        left = await history.unsettled(self.conn, [(i, requests, None) for i in closed])
        for unsent in left.values():
            found += unsent
        return dict.fromkeys(found, Reason.SUPERSEDED)

    async def _write_messages(self, decided: Sequence[DecidedEvent], ids: Cases) -> Made:
        conn, actor, now = self.conn, self.actor, self.now
        places, rows, wanted = self._wanted(decided, ids)
        said = await history.said_before(conn, rows)
        old = {n: s.message_id for n, s in said.items() if s.message_id}
        for n, before in said.items():  # all was taken back: it is said anew
            rows[n]["generation"] = before.generation + (n not in old)
        known: Known = {n: (message_id, Reason.ALREADY_CREATED) for n, message_id in old.items()}
        open_ = {n: w for n, w in wanted.items() if n not in known}
        known |= await coalesce(conn, open_, actor=actor, now=now)
        fresh = [n for n in range(len(rows)) if n not in known]
        ids_of = await messages.insert(conn, [rows[n] for n in fresh], actor=actor, now=now)
        new = {n: ids_of[at] for at, n in enumerate(fresh)}
        made: Made = {p: (new[n], None) if n in new else known[n] for n, p in enumerate(places)}
        await messages.add_causes(conn, [(m, event_id) for (event_id, _), (m, _) in made.items()])
        return made

    def _wanted(
        self, decided: Sequence[DecidedEvent], ids: Cases
    ) -> tuple[list[tuple[int, int]], list[dict[str, Any]], dict[int, Wanted]]:
        """Messages that rules want: (event id, outcome) of each, its row, and those to be sent."""
        places: list[tuple[int, int]] = []
        rows: list[dict[str, Any]] = []
        wanted: dict[int, Wanted] = {}
        for incoming, situation, decision in decided:
            for n, outcome in enumerate(decision.outcomes):
                if isinstance(outcome, Skip):
                    continue
                notice = self.context.notices[outcome.draft.notice]
                row = message_row(
                    outcome.draft,
                    notice,
                    case_id=ids[incoming.event_id, outcome.draft.matter],
                    member_id=situation.member.member_id,
                    language=situation.member.language,
                    held=outcome.reason if isinstance(outcome, Hold) else None,
                    now=self.now,
                )
                if isinstance(outcome, Send):
                    wanted[len(rows)] = Wanted(
                        row, outcome.draft, incoming.event, situation, notice
                    )
                places.append((incoming.event_id, n))
                rows.append(row)
        return places, rows, wanted

    async def _write_outcomes(self, decided: Sequence[DecidedEvent], made: Made) -> None:
        rows: list[dict[str, object]] = []
        drafts: list[TaskDraft] = []
        for one in decided:
            event_id, decision = one.incoming.event_id, one.decision
            told = [
                {"event_id": event_id, **_outcome_row(decision, n, made.get((event_id, n)))}
                for n in range(len(decision.outcomes))
            ]
            # The same matter told twice makes no second task.
            if decision.tasks and not _only_repeats(one, made):
                drafts += _tasks_of(one, made)
                told[0]["tasks"] = [{"kind": d.kind, "key": d.key} for d in decision.tasks]
            rows += told
        if rows:
            await events.decided(self.conn, rows, now=self.now)
        await tasks.raise_all(self.conn, drafts, actor=self.actor, now=self.now)


def _stops(change: CaseChange) -> bool:
    return bool(change.cancels) or change.move is CaseMove.OPEN


def _below(change: CaseChange) -> int | None:
    """A new failure, or a corrected one, leaves only requests of its own generation."""
    return None if change.cancels else change.generation


def _tasks_of(decided: DecidedEvent, made: Made) -> list[TaskDraft]:
    """The tasks of a decision, with the messages that are held until somebody sees to them."""
    held = [
        message_id
        for n, o in enumerate(decided.decision.outcomes)
        if isinstance(o, Hold)
        for message_id, why in [made[decided.incoming.event_id, n]]
        if why is None
    ]
    drafts = decided.decision.tasks
    return [replace(t, messages=tuple(held)) if t.kind in WAITED_FOR else t for t in drafts]


def _only_repeats(decided: DecidedEvent, made: Made) -> bool:
    outcomes = decided.decision.outcomes
    places = [n for n, o in enumerate(outcomes) if not isinstance(o, Skip)]
    return bool(places) and {made[decided.incoming.event_id, n][1] for n in places} <= _REPEATS


def _outcome_row(
    decision: Decision, n: int, made: tuple[int, Reason | None] | None
) -> dict[str, object]:
    outcome = decision.outcomes[n]
    if isinstance(outcome, Skip):
        why, notice, details = outcome.reason, outcome.notice, dict(outcome.details)
        return {"outcome": "skip", "reason": why, "notice": notice, "details": details}
    assert made is not None
    message_id, no_new_one = made
    row: dict[str, object] = {"notice": outcome.draft.notice, "message_id": message_id}
    if no_new_one is not None:
        return {**row, "outcome": "skip", "reason": no_new_one, "details": {}}
    if isinstance(outcome, Hold):
        details = dict(outcome.details)
        return {**row, "outcome": "hold", "reason": outcome.reason, "details": details}
    return {**row, "outcome": "send", "reason": Reason.CREATED, "details": {}}


class Broken(NamedTuple):
    """An event that our own rules break on, or that does not fit the record any more."""

    event_id: int
    type: str
    problem: str  # the name of an error, without its text


async def leave_undecided(
    conn: AsyncConnection, broken: Broken, *, actor: Actor, now: datetime
) -> None:
    """Keep an event undecided: when it is tried next is on record, and one task tells of its kind.

    The task counts events, not attempts; it is raised anew when one is given up and nobody has it.
    """
    attempts, again = await undecided.failed(conn, broken.event_id, broken.problem, now=now)
    _log.error(
        "event.undecided", event_id=broken.event_id, problem=broken.problem, attempts=attempts
    )
    given_up = again is None
    if given_up:
        entry = {"event_id": broken.event_id, "reason": "given_up"}
        await log.append(conn, "event", [entry], actor=actor, now=now)
    kind, key = TaskKind.UNDECIDED_EVENT, broken.type
    if attempts == 1 or (given_up and not await tasks.is_open(conn, kind, key)):
        details = {"event_id": broken.event_id, "type": broken.type}
        draft = TaskDraft(kind=kind, key=key, details=details)
        await tasks.raise_all(conn, [draft], actor=actor, now=now)
