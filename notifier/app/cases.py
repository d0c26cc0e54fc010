"""Cases: matters of a member, and the whole story of each."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.timeline import Entry, timeline_of, upcoming
from notifier.model.decision import CaseKind
from notifier.model.errors import NotFound
from notifier.model.situation import CaseLine, CaseRecord
from notifier.rules.plan import Planned
from notifier.store import cases, timeline

from .lookups import require_member


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStory:
    """A case from its beginning to its end."""

    case: CaseRecord
    entries: tuple[Entry, ...]
    upcoming: tuple[Planned, ...]  # what it will still say by itself; the last day is its end


async def find_cases(
    engine: AsyncEngine, *, state: str | None, kind: CaseKind | None, member: str | None, limit: int
) -> list[CaseLine]:
    """Return the cases that match, those that speak next first. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        if member is not None:
            await require_member(conn, member)
        return await timeline.search(conn, state=state, kind=kind, member=member, limit=limit)


async def show_case(
    engine: AsyncEngine, acceptor: Acceptor, case_id: int, language: str, *, now: datetime
) -> CaseStory:
    """Return a case with its story in a language. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        found = await cases.get(conn, case_id)
        if found is None:
            raise NotFound("case", case_id)
        entries = await timeline_of(conn, case_id, language)
        days = await upcoming(conn, found, await acceptor.house(conn), now)
    return CaseStory(case=found, entries=tuple(entries), upcoming=days)
