"""The reckoning: what the record, the archive and the relay say, side by side."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.rendering.labels import label, step_label
from notifier.store import report
from notifier.store.db import dumps, fetch, rows, scalar

from . import relay_log

Line = tuple[str, str, str, str]  # notice, step, channel, state
_GUARD = ("amount_contradicts_fee", "amount_sum_wrong", "amount_contradicts_record")

# What the incident must come to. Anything else is a fault of ours.
GUARDED: dict[Line, int] = {
    ("card_error", "first", "email", "cancelled"): 5,  # held by the guard, then replaced
    ("card_error", "first", "letter", "cancelled"): 1,
    ("card_error", "first", "email", "sent"): 5,
    ("card_error", "first", "letter", "handed_over"): 1,
    ("apology", "double_charge", "email", "sent"): 3,
    ("apology", "wrong_amount_displayed", "email", "sent"): 5,
    ("apology", "wrong_amount_displayed", "letter", "handed_over"): 1,
    ("apology", "could_not_correct", "email", "sent"): 11,  # 7 on 8/7, 4 on 8/12
    ("apology", "data_leak", "letter", "handed_over"): 46,
    ("refund", "decided", "email", "sent"): 4,
    ("refund", "completed", "email", "sent"): 4,
    # 2 of the 6 are done. On 8/7, seven days before, the others have the apology, which names the
    # deadline: one notice of a case a day, and of two reminders on 8/8 the firmer.
    ("reregistration_deadline", "before_3", "email", "sent"): 3 + 4,  # the 4 again on 8/15
    # By post it would arrive on 8/15, a day late: a person was asked, until the matter ended.
    ("reregistration_deadline", "before_3", "letter", "cancelled"): 1,
    ("reregistration_deadline", "before_1", "email", "sent"): 3 + 7 + 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """One act, counted."""

    events: int
    outcomes: dict[tuple[str, str, str], int]  # type of event, outcome, reason
    messages: dict[Line, int]
    held_by_guard: int
    alerts: list[tuple[str, int]]  # kind of task, how often its matter was seen
    lost: int
    doubled: int
    unproved: int  # sent mails whose archived bytes are not what the relay took
    unaccounted: int  # events without an outcome


async def reckon(conn: AsyncConnection, log: Path) -> Reckoning:
    """Count an act: the record against the relay's own log."""
    mails = await report.sent_tokens(conn)
    counted = await report.messages(conn)
    decided = await report.outcomes(conn)
    taken = relay_log.taken(log)
    return Reckoning(
        events=int(await scalar(conn, "SELECT count(*) FROM events")),
        outcomes={(r.type, r.outcome, r.reason): r.count for r in decided},
        messages={(r.notice, r.step, r.channel, r.state): r.count for r in counted},
        held_by_guard=await _held(conn),
        alerts=[(r.kind, int(r.seen)) for r in await report.tasks(conn)],
        lost=sum(1 for r in mails if r.state == "sent" and not taken[r.token]),
        doubled=sum(taken[r.token] - 1 for r in mails if taken[r.token] > 1)
        + sum(1 for r in mails if r.state != "sent" and taken[r.token]),
        unproved=await _unproved(conn, log),
        unaccounted=len(await report.unaccounted(conn)),
    )


async def _held(conn: AsyncConnection) -> int:
    sql = """SELECT count(*) FROM decisions
             WHERE outcome = 'hold' AND reason = ANY(CAST(:reasons AS text[]))"""
    return int(await scalar(conn, sql, {"reasons": list(_GUARD)}))


async def _unproved(conn: AsyncConnection, log: Path) -> int:
    """Accepted attempts whose archived hash the relay does not confirm."""
    found = await rows(
        conn,
        """SELECT m.token, a.sha256 FROM attempts a JOIN messages m USING (message_id)
           WHERE m.channel = 'email' AND a.outcome = 'accepted'""",
    )
    known = relay_log.hashes(log)
    return sum(1 for r in found if (r["token"], bytes(r["sha256"]).hex()) not in known)


def faults(reckoning: Reckoning, expected: dict[Line, int]) -> list[str]:
    """Where an act did not come to what the incident must come to; alerts to staff aside."""
    told = {k: n for k, n in reckoning.messages.items() if k[0] != "staff_alert"}
    wrong = [
        f"{'/'.join(key)}: {told.get(key, 0)}, not {expected.get(key, 0)}"
        for key in sorted(told.keys() | expected.keys())
        if told.get(key, 0) != expected.get(key, 0)
    ]
    if (decided := sum(reckoning.outcomes.values())) != reckoning.events:
        wrong.append(f"outcomes: {decided} for {reckoning.events} events")
    names = ("lost", "doubled", "unproved", "unaccounted")
    return wrong + [f"{name}: {n}" for name in names if (n := getattr(reckoning, name))]


def nested(messages: dict[Line, int]) -> dict[str, Any]:
    """notice → channel → state → count."""
    answer: dict[str, Any] = {}
    for (notice, _, channel, state), count in messages.items():
        states = answer.setdefault(notice, {}).setdefault(channel, {})
        states[state] = states.get(state, 0) + count
    return answer


def table(reckoning: Reckoning) -> Table:
    """What became of every message; the sum is the number of messages."""
    made = Table("通知", "", "経路", "状態", "件数", box=box.SIMPLE_HEAD)
    for (notice, step, channel, state), count in sorted(reckoning.messages.items()):
        words = (
            label(f"notice.{notice}", "ja"),
            step_label(step, "ja"),
            label(f"channel.{channel}", "ja"),
        )
        made.add_row(*words, label(f"state.{state}", "ja"), f"{count:,}")
    made.add_section()
    made.add_row("合計", "", "", "", f"{sum(reckoning.messages.values()):,}")
    made.columns[4].justify = "right"
    return made


def outcomes(reckoning: Reckoning) -> Table:
    """What became of every event; the sum is the number of events."""
    made = Table("イベント", "判断", "理由", "件数", box=box.SIMPLE_HEAD)
    for (kind, outcome, reason), count in sorted(reckoning.outcomes.items()):
        made.add_row(kind, outcome, label(f"reason.{reason}", "ja"), f"{count:,}")
    made.add_section()
    made.add_row("合計", "", "", f"{sum(reckoning.outcomes.values()):,}")
    made.columns[3].justify = "right"
    return made


@dataclass(frozen=True, slots=True)
class ShownFee:
    """What a member was shown as due in total, and when."""

    member_no: str
    total: int
    created_at: datetime


async def shown_wrongly(conn: AsyncConnection, yen: int) -> list[ShownFee]:
    """Who was shown an operating fee of ``yen`` as due."""
    return await fetch(
        conn,
        ShownFee,
        """SELECT p.member_no, t.yen AS total, m.created_at
           FROM shown s JOIN messages m USING (message_id) JOIN members p USING (member_id),
               jsonb_to_recordset(s.amounts) AS t(role text, name text, yen bigint)
           WHERE s.amounts @> CAST(:fee AS jsonb) AND (t.role, t.name) = ('due', 'total')
           ORDER BY p.member_no""",
        {"fee": dumps([{"role": "due", "name": "other_fees", "yen": yen}])},
    )


def of_state(messages: dict[Line, int]) -> Counter[str]:
    """State → count."""
    found: Counter[str] = Counter()
    for (_, _, _, state), count in messages.items():
        found[state] += count
    return found


def say(console: Console, reckoning: Reckoning) -> None:
    """The figures that are not in the table."""
    for kind, seen in reckoning.alerts:
        console.print(f"  {label(f'task.{kind}', 'ja')}: {seen:,}", highlight=False)
    console.print(
        f"  events {reckoning.events:,} · held by the guard {reckoning.held_by_guard}"
        f" · lost {reckoning.lost} · doubled {reckoning.doubled}",
        highlight=False,
    )
