"""The floor: what the jobs of a worker process reach."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.bell import Bell, Doorbell
from notifier.logs import get_logger
from notifier.model.notice import Lane

log = get_logger(__name__)

#: What time alone brings to a room; answers with the lanes in which something now waits.
Hook = Callable[[AsyncEngine, datetime], Awaitable[set[Lane]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """One process."""

    engine: AsyncEngine
    now: Callable[[], datetime]
    bells: Mapping[Lane, Doorbell]  # of the lanes that it serves
    bell: Bell  # reaches the others
    hooks: Sequence[Hook]

    async def tick(self) -> None:
        """Let time pass in every room. A room that fails does not keep the others waiting."""
        for hook in self.hooks:
            try:
                lanes = await hook(self.engine, self.now())
            except Exception:
                log.exception("tick failed")
            else:
                self.wake(lanes)
                await self.bell.ring(lanes)

    def wake(self, lanes: set[Lane]) -> None:
        """Wake the deliverers of this process."""
        for lane in lanes & self.bells.keys():
            self.bells[lane].set()
