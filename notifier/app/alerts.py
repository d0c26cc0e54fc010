"""Staff alerts: urgent tasks become mails through the engine itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.rule_context import RuleContext
from notifier.model.actor import Actor
from notifier.model.message import new_token
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.rendering.labels import DEFAULT_LANGUAGE, label
from notifier.store import messages, put_off, staff, tasks
from notifier.store.db import loads
from notifier.store.isolation import Isolation
from notifier.store.put_off import Sweep

from .record_words import japan_time, told

ALERT = "staff_alert"
#: Holds and contradictions come in swarms: one mail tells their number.
_SETTLING = timedelta(seconds=2)


async def alert(
    conn: AsyncConnection, context: RuleContext, *, actor: Actor, now: datetime
) -> set[Lane]:
    """Bring the tasks up to date, and tell staff of those that are urgent.

    What has settled itself is closed, what was forgotten raised, what waited opened, what is late
    escalated. Returns the lanes in which mail now waits.
    """
    await put_off.forget_moot(conn)
    await tasks.close_moot(conn, actor=actor, now=now)
    await tasks.raise_forgotten(conn, actor=actor, now=now)
    await tasks.open_waiting(conn, now=now)
    await tasks.escalate(conn, now=now)
    due = await tasks.to_alert(conn, now=now, settled_before=now - _SETTLING)
    people = await staff.everyone(conn)
    if not due or not people:
        return set()

    async def work(some: Sequence[tasks.UrgentTask]) -> None:
        rows = [_row(task, person, context, now) for task in some for person in people]
        await messages.insert(conn, rows, actor=actor, now=now)
        await tasks.alerted(conn, [t.task_id for t in some])

    isolation = Isolation(sweep=Sweep.ALERT, actor=actor, now=now)
    await isolation.each(conn, due, work, ids=lambda task: [task.task_id])
    return {context.notices[ALERT].lane} if ALERT in context.notices else set()


def _row(
    task: tasks.UrgentTask, person: staff.Colleague, context: RuleContext, now: datetime
) -> dict[str, Any]:
    notice = context.notices[ALERT]
    return {
        "token": new_token(),
        "task_id": task.task_id,
        "staff_id": person.staff_id,
        "notice": ALERT,
        "step": "escalated" if task.escalation else "open",
        "channel": Channel.EMAIL,
        "generation": task.escalation + 1,
        "language": DEFAULT_LANGUAGE,  # staff have none on record
        "lane": int(notice.lane),
        "state": State.QUEUED,
        "reason": Reason.CREATED,
        "uncertain_policy": notice.uncertain,
        "most_attempts": notice.attempts,
        "next_attempt_at": now,
        "expires_at": now + notice.expires_after,
        "facts": _facts(task, DEFAULT_LANGUAGE),
        "shown": [],
    }


def _facts(task: tasks.UrgentTask, language: str) -> dict[str, Any]:
    return {
        "title": label(f"task.{task.kind}", language),
        "kind": task.kind,
        "count": task.count,
        "due": japan_time(task.due_at),
        "lines": list(told(loads(task.details), language)),
        "command": f"notifier tasks show {task.task_id}",
    }
