"""The one door for what comes back: kept, matched with its message, and taken to where it counts.

All of it happens in the caller's transaction, set by set. Whoever tells somebody "taken" commits
first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.logs import get_logger
from notifier.model.actor import Actor
from notifier.model.message import public_number
from notifier.model.returns import Outcome, Return, ReturnReason, Standing
from notifier.model.states import State
from notifier.model.suppression import normal
from notifier.model.task import TaskDraft, TaskKind
from notifier.model.tracking import BounceReason, ReturnKind
from notifier.rules.calendar import japan_date
from notifier.store import messages, returns, tasks, tracking
from notifier.store.messages import Move
from notifier.store.tracking import Known

from .judge import Verdict, judge, tokens_of
from .suppress import suppress

log = get_logger(__name__)

_TASKS = {
    ReturnKind.COMPLAINT: TaskKind.COMPLAINT,
    ReturnKind.REPLY: TaskKind.MEMBER_REPLY,
}
_GRAVER = (State.SENT, State.DELIVERED, State.BOUNCED)


async def apply(
    conn: AsyncConnection,
    given: Sequence[Return],
    *,
    actor: Actor,
    now: datetime,
    direct: Sequence[str] = (),
) -> list[Outcome]:
    """Keep returns and let them take effect; one outcome for each, in order.

    What came before (the same source and id, or the same bytes) is counted and changes nothing.
    ``direct``: labels of relays whose answers are the destination's; what they took counts as
    arrived when soft bounces are counted.
    """
    kept = await returns.keep(conn, given, actor=actor, now=now)
    fresh = {return_id: given[n] for n, return_id in kept.fresh.items()}
    settled = await take_effect(conn, fresh, actor=actor, now=now, direct=direct)
    return [
        settled[kept.fresh[n]] if n in kept.fresh else _known(kept.known[n], settled)
        for n in range(len(given))
    ]


def _known(found: returns.Known, settled: Mapping[int, Outcome]) -> Outcome:
    """The outcome of what came before, be it a moment ago."""
    first = settled.get(found.return_id)
    return Outcome(
        return_id=found.return_id,
        standing=Standing.KNOWN,
        kind=ReturnKind(found.kind),
        message_id=first.message_id if first else found.message_id,
    )


async def take_effect(
    conn: AsyncConnection,
    given: Mapping[int, Return],
    *,
    actor: Actor,
    now: datetime,
    direct: Sequence[str] = (),
    about: Mapping[int, Known] | None = None,
) -> dict[int, Outcome]:
    """Let returns that are on record take effect; return id → outcome.

    ``about``: which message a person says that a return is about.
    """
    if not given:
        return {}
    named = {return_id: tokens_of(one) for return_id, one in given.items()}
    known = await tracking.by_token(conn, [t for tokens in named.values() for t in tokens])
    ours = await _of_members(conn, given.values())
    verdicts: dict[int, Verdict] = {}
    for return_id, one in given.items():
        found = list(
            {known[t].message_id: known[t] for t in named[return_id] if t in known}.values()
        )
        if about and return_id in about:
            found = [about[return_id]]
        verdicts[return_id] = _judged(
            return_id,
            one,
            found,
            names_ours=bool(named[return_id]),
            of_members=ours,
            certain=bool(about and return_id in about),
            now=now,
        )
    entries = [v.entry for v in verdicts.values() if v.entry]
    await tracking.add(conn, entries, actor=actor, now=now)
    stops = await suppress(conn, verdicts.values(), actor=actor, now=now, direct=direct)
    await messages.move(conn, [*_moves(verdicts.values()), *stops], actor=actor, now=now)
    outcomes = {r: _outcome(r, given[r], v) for r, v in verdicts.items()}
    await returns.settle(conn, list(outcomes.values()), actor=actor, now=now)
    await tasks.raise_all(conn, _drafts(outcomes.values(), verdicts, now), actor=actor, now=now)
    return outcomes


async def _of_members(conn: AsyncConnection, given: Iterable[Return]) -> set[str]:
    """Which of the addresses that returns tell of belong to members."""
    told = {normal(f.recipient) for one in given for f in one.reading.findings if f.recipient}
    return await tracking.of_members(
        conn, sorted(a for a in told if a.isascii() and a.isprintable())
    )


def _judged(return_id: int, one: Return, named: Sequence[Known], **more: Any) -> Verdict:
    """The verdict; a return that our rules break on is left to a person, and takes none along."""
    try:
        return judge(return_id, one, named, **more)
    except Exception:
        log.exception("return not judged", return_id=return_id)
        return Verdict(standing=Standing.PERSON, reason=ReturnReason.BROKEN)


def _moves(verdicts: Iterable[Verdict]) -> Iterable[Move]:
    """One move for each message: of several the gravest."""
    found: dict[int, Move] = {}
    for move in (v.move for v in verdicts if v.move):
        other = found.get(move.message_id)
        if other is None or _GRAVER.index(move.after) > _GRAVER.index(other.after):
            found[move.message_id] = move
    return found.values()


def _outcome(return_id: int, one: Return, verdict: Verdict) -> Outcome:
    return Outcome(
        return_id=return_id,
        standing=verdict.standing,
        kind=one.reading.kind,
        reason=verdict.reason,
        message_id=verdict.about.message_id if verdict.about else None,
    )


def _is_for_staff(verdict: Verdict) -> bool:
    """Complaints and answers; a mailing whose signature fails would make thousands of tasks."""
    entry = verdict.entry
    return (
        entry is not None and entry.kind in _TASKS and entry.reason != BounceReason.AUTHENTICATION
    )


def _drafts(
    outcomes: Iterable[Outcome], verdicts: Mapping[int, Verdict], now: datetime
) -> Iterator[TaskDraft]:
    """What people must see to. Returns of which nobody knows whose they are make one task a day."""
    for o in outcomes:
        about = verdicts[o.return_id].about
        if o.standing is Standing.APPLIED and about and _is_for_staff(verdicts[o.return_id]):
            number = public_number(about.message_id)
            details = {"message": number, "notice": about.notice, "return": str(o.return_id)}
            yield TaskDraft(kind=_TASKS[o.kind], key=number, details=details)
        elif o.standing is Standing.PERSON:
            day = japan_date(now).isoformat()
            details = {"first_return": str(o.return_id)}
            yield TaskDraft(kind=TaskKind.UNREAD_RETURN, key=day, details=details)
