"""What the record needs now and then: partitions for the months to come, and an end of growth."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.retention import Retention
from notifier.store import retention
from notifier.store.migrate import open_ahead

_MOST: Final = 2_000  # rows in one transaction
_TURNS: Final = 10  # transactions in one go: the tick waits for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What was done."""

    months: int  # partitions made
    payloads: int  # texts of events deleted
    returns: int  # bytes of returns emptied
    more: bool  # there is more to do


async def tidy(engine: AsyncEngine, rules: Retention, *, owner_url: str, now: datetime) -> Tidied:
    """Make partitions ahead of time, and let go of what the rules no longer keep.

    ``owner_url``: the database, as somebody who may make tables. Safe to run in several processes.
    """
    months = await open_ahead(owner_url)

    async def payloads(conn: AsyncConnection) -> int:
        return await retention.forget_payloads(conn, before=now - rules.payloads, limit=_MOST)

    async def returns(conn: AsyncConnection) -> int:
        return await retention.forget_returns(
            conn, before=now - rules.returns, unread=now - rules.unread_returns, limit=_MOST
        )

    first, more = await _in_turns(engine, payloads)
    second, still = await _in_turns(engine, returns)
    return Tidied(months=months, payloads=first, returns=second, more=more or still)


async def _in_turns(
    engine: AsyncEngine, step: Callable[[AsyncConnection], Awaitable[int]]
) -> tuple[int, bool]:
    """How many rows a step has dealt with, and whether there are more."""
    total = 0
    for _ in range(_TURNS):
        async with engine.begin() as conn:
            if not await retention.is_mine(conn):
                return total, False
            done = await step(conn)
        total += done
        if done < _MOST:
            return total, False
    return total, True
