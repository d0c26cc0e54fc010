"""What time alone brings to cases: undecided events, staff alerts, letters for mails, reminders."""

from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.cases.alerts import alert
from notifier.cases.fallback import take_over, tell_returned
from notifier.cases.tick import tick
from notifier.model.actor import system
from notifier.model.notice import Lane

from .rule_context import RuleContext
from .undecided import decide_again

_SWEEP: Final = system("sweep")


async def sweep(engine: AsyncEngine, context: RuleContext, *, now: datetime) -> set[Lane]:
    """Do what time alone brings; the lanes in which something now waits. Safe to run twice."""
    lanes: set[Lane] = set()
    async with engine.begin() as conn:
        lanes |= await decide_again(conn, context, actor=_SWEEP, now=now)
    async with engine.begin() as conn:
        lanes |= await alert(conn, context, actor=_SWEEP, now=now)
    for step in (take_over, tick):
        looked = 1
        while looked:
            async with engine.begin() as conn:
                looked, found = await step(conn, context, actor=_SWEEP, now=now)
            lanes |= found
    async with engine.begin() as conn:
        await tell_returned(conn, actor=_SWEEP, now=now)
    return lanes
