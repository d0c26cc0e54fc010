"""Jobs. They carry ids only, and running one twice does no harm."""

from typing import Any

from notifier.model.notice import Lane


async def ring(ctx: dict[str, Any], lane: int) -> None:
    """Something waits in a lane."""
    ctx["floor"].wake({Lane(lane)})


async def tick(ctx: dict[str, Any]) -> None:
    """Time has passed."""
    await ctx["floor"].tick()
