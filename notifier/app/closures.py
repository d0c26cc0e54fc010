"""Closures: the association's own closed days."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.intake.closure_file import closure, read_closures
from notifier.model.actor import Actor
from notifier.model.errors import NotFound
from notifier.store import closures as store
from notifier.store import schemes

from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedDays:
    """A stretch of closed days on record."""

    closure_id: int
    first_day: date
    last_day: date
    name: str
    scheme: str | None  # None: of all


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A stretch as a person gives it; the last day left out, it is one day."""

    first: str
    last: str = ""
    name: str = ""
    scheme: str = ""


async def find_closures(engine: AsyncEngine, *, since: date | None) -> list[ClosedDays]:
    """Return the closed days in force, the earliest first; ``since``: that are not over by then."""
    async with engine.connect() as conn:
        return [value_of(ClosedDays, r) for r in await store.in_force(conn, since=since)]


async def add_closure(
    engine: AsyncEngine, stretch: Stretch, *, actor: Actor, now: datetime
) -> bool:
    """Register a stretch; False: it is known. Raises :class:`BadInput`."""
    async with engine.begin() as conn:
        known = await schemes.all_of(conn)
        one = closure(
            known,
            first=stretch.first,
            last=stretch.last,
            name=stretch.name,
            scheme=stretch.scheme,
        )
        return bool(await store.add(conn, [one], actor=actor, now=now))


async def import_closures(
    engine: AsyncEngine, data: bytes, *, actor: Actor, now: datetime
) -> tuple[int, int]:
    """Register the closed days of a file; how many it names, and how many are new.

    Raises :class:`BadInput`, and registers nothing, with one bad row.
    """
    async with engine.begin() as conn:
        given = read_closures(data, await schemes.all_of(conn))
        return len(given), await store.add(conn, given, actor=actor, now=now)


async def remove_closure(
    engine: AsyncEngine, closure_id: int, *, actor: Actor, now: datetime
) -> None:
    """Take a stretch back; it stays on record as withdrawn. Raises :class:`NotFound`."""
    async with engine.begin() as conn:
        if not await store.remove(conn, closure_id, actor=actor, now=now):
            raise NotFound("closure", closure_id)
