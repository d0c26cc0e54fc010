"""The whole story of a case on one timeline, and what it will say if nothing happens."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.decide.calendar import japan_date
from notifier.decide.plan import Planned, ahead
from notifier.model.message import public_number
from notifier.model.notice import plan_of
from notifier.model.situation import CaseRecord
from notifier.store import messages, timeline
from notifier.write.labels import label

from .details import japan_time
from .situations import House

_DAY: Final = timedelta(days=1)
#: An event that took longer to reach us is shown with its own time.
_LATE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that came about."""

    at: datetime
    order: int  # among entries of the same moment: events, decisions, then what followed
    kind: str  # event, decision, case, message, task or note
    text: str
    actor: str = ""


async def story(conn: AsyncConnection, case_id: int, language: str) -> list[Entry]:
    """Events, decisions, changes of the case, moves of its messages, tasks and notes."""
    events = await timeline.events(conn, case_id)
    ids = [r["event_id"] for r in events]
    entries = [
        *(_event(r) for r in events),
        *(_decision(r, language) for r in await timeline.decisions(conn, case_id, ids)),
        *(_change(r, language) for r in await timeline.changes(conn, case_id)),
        *(_move(r, language) for r in await timeline.moves(conn, case_id)),
    ]
    for r in await timeline.tasks(conn, case_id):
        entries += _task(r, language)
    return sorted(entries, key=lambda e: (e.at, e.order))


async def upcoming(
    conn: AsyncConnection, case: CaseRecord, house: House, now: datetime
) -> tuple[Planned, ...]:
    """What a case will still say by itself, and last its end; nothing of one that is closed."""
    if not case.is_open or case.plan is None or case.deadline is None:
        return ()
    spoken = (await messages.spoken(conn, [case.case_id])).get(case.case_id)
    return ahead(
        plan_of(house.notices, case.plan),
        deadline=case.deadline,
        recharge_on=case.recharge_on,
        reminds=case.reminds,
        told_on=case.told_on,
        not_before=_not_before(spoken, japan_date(now)),
        is_open=house.calendar(case.scheme).is_open,
    )


def _not_before(spoken: date | None, today: date) -> date:
    return today if spoken is None else max(today, spoken + _DAY)


def _event(r: RowMapping) -> Entry:
    late = r["at"] - r["occurred_at"] > _LATE
    told = f" ({japan_time(r['occurred_at'])})" if late else ""
    return Entry(at=r["at"], order=0, kind="event", text=f"{r['type']}{told}", actor=r["actor"])


def _decision(r: RowMapping, language: str) -> Entry:
    words = [label(f"outcome.{r['outcome']}", language)]
    if r["notice"]:
        words.append(label(f"notice.{r['notice']}", language))
    words.append(label(f"reason.{r['reason']}", language))
    return Entry(at=r["at"], order=1, kind="decision", text=" · ".join(words))


def _change(r: RowMapping, language: str) -> Entry:
    state, reason = (
        label(f"standing.{r['after']}", language),
        label(f"reason.{r['reason']}", language),
    )
    return Entry(at=r["at"], order=2, kind="case", text=f"{state}: {reason}", actor=r["actor"])


def _move(r: RowMapping, language: str) -> Entry:
    what = f"{public_number(r['message_id'])} {r['notice']}/{r['step']}"
    state, reason = label(f"state.{r['after']}", language), label(f"reason.{r['reason']}", language)
    text = f"{what} ({label('channel.' + r['channel'], language)}) {state}: {reason}"
    if r["after"] == "queued" and r["next_attempt_at"] > r["at"]:
        text += f" → {japan_time(r['next_attempt_at'])}"
    return Entry(at=r["at"], order=3, kind="message", text=text, actor=r["actor"])


def _task(r: RowMapping, language: str) -> Iterator[Entry]:
    what = f"{r['task_id']} {label('task.' + r['kind'], language)}"
    yield Entry(at=max(r["created_at"], r["opens_at"]), order=4, kind="task", text=what)
    if r["done_at"] is not None:
        note = f"{what} {r['state']}: {r['note'] or ''}".rstrip(": ")
        yield Entry(at=r["done_at"], order=5, kind="note", text=note, actor=r["done_by"] or "")
