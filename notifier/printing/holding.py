"""Letters that cannot be written, or bound again, wait for a person."""

from collections.abc import Sequence

from notifier.delivery.compose import Lost
from notifier.delivery.outcomes import hold
from notifier.model.actor import Actor
from notifier.model.states import State

from .room import PressRoom


async def hold_lost(room: PressRoom, lost: Sequence[Lost], before: State, *, actor: Actor) -> None:
    """Hold letters that are still in the state ``before``, with a task for each cause."""
    async with room.engine.begin() as conn:
        await hold(conn, lost, before, actor=actor, now=room.now())
