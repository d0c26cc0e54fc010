"""Cases: matters of a member, and the whole story of each."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor
from notifier.app.timeline import Entry, timeline_of, upcoming
from notifier.model.decision import CaseKind
from notifier.model.errors import NotFound
from notifier.model.reasons import Reason
from notifier.model.situation import CaseRecord
from notifier.rules.plan import Planned
from notifier.store import cases, timeline

from .lookups import require_member
from .values import value_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case in a list."""

    case_id: int
    kind: CaseKind
    member_no: str | None  # None: its reader is no member
    matter: str
    scheme: str
    state: str
    reason: Reason
    deadline: date | None
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseStory:
    """A case from its beginning to its end."""

    case: CaseRecord
    entries: tuple[Entry, ...]
    upcoming: tuple[Planned, ...]  # what it will still say by itself; the last day is its end


async def find_cases(
    engine: AsyncEngine, *, state: str | None, kind: CaseKind | None, member: str | None, limit: int
) -> list[Case]:
    """Return the cases that match, those that speak next first. Raises :class:`NotFound`."""
    async with engine.connect() as conn:
        if member is not None:
            await require_member(conn, member)
        found = await timeline.search(conn, state=state, kind=kind, member=member, limit=limit)
    return [value_of(Case, r) for r in found]


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
