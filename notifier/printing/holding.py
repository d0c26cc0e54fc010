"""Letters that cannot be written, or bound again, wait for a person."""

from collections.abc import Sequence

from notifier.delivery import alarms
from notifier.model.actor import Actor
from notifier.model.states import State
from notifier.store import messages, tasks
from notifier.store.messages import Move

from .room import PressRoom
from .writing import Lost


async def hold(room: PressRoom, lost: Sequence[Lost], before: State, *, actor: Actor) -> None:
    """Hold letters that are still in the state ``before``, with a task for each cause."""
    now = room.now()
    asked = [
        Move(
            message_id=x.message_id,
            after=State.HELD,
            reason=x.error.reason,
            only_from=(before,),
        )
        for x in lost
    ]
    async with room.engine.begin() as conn:
        moved = set(await messages.move(conn, asked, actor=actor, now=now))
        drafts = [
            alarms.held(x.message_id, x.notice, x.error) for x in lost if x.message_id in moved
        ]
        await tasks.raise_all(conn, drafts, actor=actor, now=now)
