"""The whole story of a case on one timeline, and what it will say if nothing happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.rule_context import RuleContext
from notifier.model.message import public_number
from notifier.model.notice import plan_of
from notifier.model.situation import CaseRecord
from notifier.rendering.labels import label, step_label
from notifier.rules.calendar import japan_date
from notifier.rules.plan import Planned, ahead
from notifier.store import history, timeline

from .record_words import japan_time, words_of

_DAY: Final = timedelta(days=1)
#: An event that took longer to reach us is shown with its own time.
_LATE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that came about."""

    at: datetime
    order: int  # among entries of the same moment: events, decisions, then what followed
    kind: str  # event, decision, case, message, attempt, return, task or note
    text: str
    actor: str = ""


async def timeline_of(conn: AsyncConnection, case_id: int, language: str) -> list[Entry]:
    """Events, decisions, changes of the case, its messages on both channels with attempts and
    what came back, tasks and notes."""
    events = await timeline.events(conn, case_id)
    ids = [r.event_id for r in events]
    entries = [
        *(_event(r) for r in events),
        *(_decision(r, language) for r in await timeline.decisions(conn, case_id, ids)),
        *(_change(r, language) for r in await timeline.changes(conn, case_id)),
        *(_move(r, language) for r in await timeline.moves(conn, case_id)),
        *(_attempt(r, language) for r in await timeline.attempts(conn, case_id)),
        *(_return(r, language) for r in await timeline.returns(conn, case_id)),
    ]
    for r in await timeline.tasks(conn, case_id):
        entries += _task(r, language)
    return sorted(entries, key=lambda e: (e.at, e.order))


async def upcoming(
    conn: AsyncConnection, case: CaseRecord, context: RuleContext, now: datetime
) -> tuple[Planned, ...]:
    """What a case will still say by itself, and last its end; nothing of one that is closed."""
    if not case.is_open or case.plan is None or case.deadline is None:
        return ()
    spoken = (await history.spoken(conn, [case.case_id])).get(case.case_id)
    return ahead(
        plan_of(context.notices, case.plan),
        deadline=case.deadline,
        recharge_on=case.recharge_on,
        reminds=case.reminds,
        told_on=case.told_on,
        not_before=_not_before(spoken, japan_date(now)),
        is_open=context.calendar(case.scheme).is_open,
    )


def _not_before(spoken: date | None, today: date) -> date:
    return today if spoken is None else max(today, spoken + _DAY)


def _event(r: timeline.EventEntry) -> Entry:
    late = r.at - r.occurred_at > _LATE
    told = f" ({japan_time(r.occurred_at)})" if late else ""
    return Entry(at=r.at, order=0, kind="event", text=f"{r.type}{told}", actor=r.actor)


def _decision(r: timeline.DecisionEntry, language: str) -> Entry:
    words = [label(f"outcome.{r.outcome}", language)]
    if r.notice:
        words.append(label(f"notice.{r.notice}", language))
    words.append(label(f"reason.{r.reason}", language))
    return Entry(at=r.at, order=1, kind="decision", text=" · ".join(words))


def _change(r: timeline.ChangeEntry, language: str) -> Entry:
    state, reason = (
        label(f"standing.{r.after}", language),
        label(f"reason.{r.reason}", language),
    )
    return Entry(at=r.at, order=2, kind="case", text=f"{state}: {reason}", actor=r.actor)


def _move(r: timeline.MoveEntry, language: str) -> Entry:
    where = label(f"channel.{r.channel}", language)
    words = [public_number(r.message_id), f"{_step(r, language)} ({where})"]
    if r.in_place_of:
        words.append(f"← {public_number(r.in_place_of)}")
    words.append(": ".join(filter(None, words_of(r.kind, r.after, r.reason, language))))
    if r.goes_at is not None and r.goes_at > r.at:
        words.append(f"→ {japan_time(r.goes_at)}")
    return Entry(at=r.at, order=4, kind="message", text=" ".join(words), actor=r.actor)


def _step(r: timeline.MoveEntry, language: str) -> str:
    return f"{label('notice.' + r.notice, language)} {step_label(r.step, language)}"


def _attempt(r: timeline.AttemptEntry, language: str) -> Entry:
    outcome = label(f"attempt.{r.outcome or 'begun'}", language)
    told = [str(one) for one in (r.command, r.code, r.enhanced) if one]
    words = [public_number(r.message_id), f"#{r.number}", outcome, *told]
    return Entry(at=r.at, order=3, kind="attempt", text=" ".join(words), actor=r.relay)


def _return(r: timeline.ReturnEntry, language: str) -> Entry:
    words = [public_number(r.message_id), label(f"return.{r.kind}", language)]
    words += [label(f"bounce.{r.reason}", language)] if r.reason else []
    words += [label(f"evidence.{r.level}", language)] if r.level else []
    words += [str(one) for one in (r.code, r.status) if one]
    return Entry(at=r.at, order=3, kind="return", text=" ".join(words))


def _task(r: timeline.TaskEntry, language: str) -> Iterator[Entry]:
    what = f"{r.task_id} {label('task.' + r.kind, language)}"
    yield Entry(at=max(r.created_at, r.opens_at), order=5, kind="task", text=what)
    if r.done_at is not None:
        note = f"{what} {label('standing.closed', language)}: {r.note or ''}".rstrip(": ")
        yield Entry(at=r.done_at, order=6, kind="note", text=note, actor=r.done_by or "")
