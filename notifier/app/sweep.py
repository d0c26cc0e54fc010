"""What time alone brings to cases: undecided events, staff alerts, letters for mails, reminders."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.alerts import alert
from notifier.app.fallback import take_over, tell_returned
from notifier.app.reminders import tick
from notifier.model.actor import Actor, system
from notifier.model.notice import Lane

from .rule_context import RuleContext
from .undecided import decide_again

_SWEEP: Final = system("sweep")


async def sweep(engine: AsyncEngine, context: RuleContext, *, now: datetime) -> set[Lane]:
    """Do what time alone brings; the lanes in which something now waits. Safe to run twice.

    A step that fails keeps none of the others waiting; its error is raised in the end.
    """
    lanes: set[Lane] = set()
    failed: list[Exception] = []
    for step in (_retry, _alert, take_over, tick, _tell_returned):
        looked = 1
        try:
            while looked:
                async with engine.begin() as conn:
                    looked, found = await step(conn, context, actor=_SWEEP, now=now)
                lanes |= found
        except Exception as problem:  # noqa: BLE001 (it is raised)
            failed.append(problem)
    if failed:
        raise failed[0]
    return lanes


_Looked = tuple[int, set[Lane]]  # how many to look for once more; lanes in which something waits


async def _retry(
    conn: AsyncConnection, context: RuleContext, *, actor: Actor, now: datetime
) -> _Looked:
    return 0, await decide_again(conn, context, actor=actor, now=now)


async def _alert(
    conn: AsyncConnection, context: RuleContext, *, actor: Actor, now: datetime
) -> _Looked:
    return 0, await alert(conn, context, actor=actor, now=now)


async def _tell_returned(
    conn: AsyncConnection, _: RuleContext, *, actor: Actor, now: datetime
) -> _Looked:
    await tell_returned(conn, actor=actor, now=now)
    return 0, set()
