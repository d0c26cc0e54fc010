"""What events say of charges, refunds and members, written to the record before the messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.situations import IncomingEvent
from notifier.model.actor import Actor
from notifier.model.billing import (
    CardReregistered,
    RefundCompleted,
    RefundDecided,
)
from notifier.model.decision import Decision, Skip
from notifier.model.event import Event
from notifier.model.member import MemberStatus
from notifier.model.membership import MemberLeft
from notifier.model.reasons import Reason
from notifier.model.register import STATUS, Change
from notifier.model.situation import Situation
from notifier.model.task import TaskKind
from notifier.rules.event_types import event_type_of
from notifier.store import (
    charges,
    member_changes,
    members,
    refunds,
    reregistrations,
    tasks,
)
from notifier.store.member_changes import Recorded

Taken = tuple[IncomingEvent, Situation, Decision]


async def write(
    conn: AsyncConnection, taken: Sequence[Taken], *, actor: Actor, now: datetime
) -> None:
    """Store what a wave of events says, apart from cases and messages."""
    await charges.save(conn, [c for t in taken if (c := _charge(*t)) is not None])
    decided, completed = [], []
    for arrived, situation, _ in taken:
        data = arrived.event.data
        key = {"source": arrived.event.source, "event_id": arrived.event_id}
        if isinstance(data, RefundDecided):
            fields = {"refund_id", "charge_id", "scheme", "amount", "reason", "method"}
            member = {"member_id": situation.member.member_id}
            decided.append({**key, **member, **data.model_dump(include=fields)})
        elif isinstance(data, RefundCompleted):
            completed.append({**key, "refund_id": data.refund_id})
    await refunds.decided(conn, decided)
    await refunds.completed(conn, completed)
    left = [
        (s.member.member_id, a.event.data.left_on, a.event_id)
        for a, s, _ in taken
        if isinstance(a.event.data, MemberLeft)
    ]
    await members.mark_left(conn, left, now=now)
    await member_changes.record(conn, _departures(taken), actor=actor, now=now)
    await reregistrations.save(conn, [r for t in taken if (r := _reregistered(*t)) is not None])
    heard = [i for a, _, d in taken if not _silent(d) and (i := _charge_id(a.event))]
    if heard:
        await tasks.drop_waiting(conn, TaskKind.OUTCOME_MISSING, heard, now=now)


def _departures(taken: Sequence[Taken]) -> list[Recorded]:
    return [
        Recorded(
            member_no=a.event.member_no,
            change=Change(STATUS, MemberStatus.ACTIVE, MemberStatus.LEFT),
            event_id=a.event_id,
        )
        for a, s, _ in taken
        if isinstance(a.event.data, MemberLeft) and s.member.status is MemberStatus.ACTIVE
    ]


def _reregistered(
    arrived: IncomingEvent, situation: Situation, _: Decision
) -> dict[str, Any] | None:
    data = arrived.event.data
    if not isinstance(data, CardReregistered):
        return None
    return {
        "event_id": arrived.event_id,
        "member_id": situation.member.member_id,
        "source": arrived.event.source,
        "scheme": data.scheme,
        "charge_id": data.charge_id,
        "at": arrived.event.time,
    }


def _charge_id(event: Event) -> str | None:
    return getattr(event.data, "charge_id", None)


def _silent(decision: Decision) -> bool:
    return any(isinstance(o, Skip) and o.reason is Reason.SILENT_RETRY for o in decision.outcomes)


def _charge(
    arrived: IncomingEvent, situation: Situation, decision: Decision
) -> dict[str, Any] | None:
    event, charge_id = arrived.event, _charge_id(arrived.event)
    said = event_type_of(event).charge_facts(event, decision)
    if charge_id is None or not said:
        return None
    return {
        "source": event.source,
        "charge_id": charge_id,
        "member_id": situation.member.member_id,
        "event_id": arrived.event_id,
        **said,
    }
