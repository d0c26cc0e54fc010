"""Messages that wait while the register changes: weighed once more against what it now says."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.decision import Hold
from notifier.model.states import UNSENT, State
from notifier.rules.rules.outcomes import hold_task
from notifier.store import messages, tasks
from notifier.store.messages import Move

from .release import outcome_now
from .situations import House


async def recheck(
    conn: AsyncConnection, scheme: str, house: House, *, actor: Actor, now: datetime
) -> int:
    """Hold what has not left and contradicts the register as it now stands; how many.

    Printed letters too: their batch cannot be handed over with them.
    """
    waiting = await messages.waiting(conn, scheme)
    moves, drafts = [], {}
    for message in waiting:
        outcome, _ = await outcome_now(conn, message, house, now=now)
        if isinstance(outcome, Hold) and "contradictions" in outcome.details:
            moves.append(
                Move(
                    message_id=message.message_id,
                    after=State.HELD,
                    reason=outcome.reason,
                    only_from=tuple(UNSENT - {State.HELD}),
                )
            )
            drafts[message.message_id] = hold_task(outcome, message.message_id)
    moved = await messages.move(conn, moves, actor=actor, now=now)
    await tasks.raise_all(conn, [drafts[m] for m in moved], actor=actor, now=now)
    return len(moved)
