"""Imports of the member register: what a file would change, the change itself, taking it back.

What a person has confirmed is what is written: the plan is made once more in the transaction that
writes, on members that are held, and compared.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.app.apply_events import apply_events
from notifier.app.event_intake import Acceptor
from notifier.app.rule_context import RuleContext as House
from notifier.app.situations import IncomingEvent as Arrived
from notifier.intake.envelope import parse_event
from notifier.intake.member_row import unfit
from notifier.intake.members_csv import RegisterFile
from notifier.model.actor import Actor
from notifier.model.errors import BadInput, FieldError
from notifier.model.honorific import is_organisation
from notifier.model.member import Member
from notifier.model.register import (
    CREATED,
    NOTHING,
    STATUS,
    Change,
    changes,
    has_left,
    new_member,
    values_of,
    with_values,
)
from notifier.rules.calendar import japan_date
from notifier.store import events, log, members
from notifier.store import member_changes as store
from notifier.store.member_changes import ImportRecord, Recorded

from .values import value_of

#: The source of departures that follow from a full register.
SOURCE: Final = "urn:notifier:members-import"
#: ``--yes`` covers so many changes, or this share of the register, whichever is more.
FEW: Final = 20
SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Planned:
    """A member as an import would have it, and how that differs from the record."""

    member: Member
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an import would do."""

    new: tuple[Planned, ...]
    changed: tuple[Planned, ...]
    gone: tuple[str, ...]  # only with a full register: on record, not in the file
    unchanged: int
    newer: tuple[str, ...]  # on record as of a later moment: an import leaves them alone
    left: int  # in the file, and on record as having left; they stay so
    unmarked: tuple[Planned, ...]  # addressed as organisations for their names alone
    active: int  # members on record who have not left

    @property
    def count(self) -> int:
        """How many members it touches."""
        return len(self.new) + len(self.changed) + len(self.gone)

    @property
    def covered(self) -> int:
        """How many ``--yes`` would cover; where members leave there is no floor for small ones."""
        return int(self.active * SHARE) if self.gone else _covered(self.active)


def _covered(active: int) -> int:
    return max(FEW, int(active * SHARE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """An import on record, or an undo of one."""

    import_id: int
    at: datetime
    actor: str
    new: int
    changed: int
    gone: int
    unchanged: int
    undone_by: int | None


async def covered(engine: AsyncEngine) -> int:
    """Return how many changes of the register ``--yes`` covers."""
    async with engine.connect() as conn:
        return _covered(len(await members.active(conn)))


async def listed(engine: AsyncEngine, *, limit: int) -> list[Import]:
    """Return the imports on record, the newest first."""
    async with engine.connect() as conn:
        return [value_of(Import, r) for r in await store.imports(conn, limit=limit)]


class RegisterMoved(Exception):
    """The record has changed since the plan was shown; nothing was written."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self.numbers = tuple(numbers)
        super().__init__(f"{len(self.numbers)} members have changed meanwhile")


async def preview(engine: AsyncEngine, file: RegisterFile, *, full: bool, now: datetime) -> Plan:
    """What an import would do. Raises :class:`BadInput` where a row does not fit the record."""
    async with engine.connect() as conn:
        return await _plan(conn, file, full=full, now=now)


async def apply(
    engine: AsyncEngine,
    file: RegisterFile,
    confirmed: Plan,
    *,
    full: bool,
    acceptor: Acceptor,
    actor: Actor,
    now: datetime,
) -> int:
    """Do what was confirmed, all or nothing; the import's id.

    Raises :class:`RegisterMoved` if the record would now be changed in another way.
    """
    async with engine.begin() as conn:
        await members.lock(conn, {*(r.member_no for r in file.rows), *confirmed.gone})
        plan = await _plan(conn, file, full=full, now=now)
        _compare(confirmed, plan)
        import_id = await store.open_import(
            conn, _record(file, plan, full=full), actor=actor, now=now
        )
        await _write(conn, plan, import_id, actor=actor, now=now)
        house = await acceptor.house(conn)
        await _depart(conn, plan.gone, import_id, house, actor=actor, now=now)
        reason = [{"reason": f"members:{import_id}"}]
        await log.append(conn, "import", reason, actor=actor, now=now)
    return import_id


async def _plan(conn: AsyncConnection, file: RegisterFile, *, full: bool, now: datetime) -> Plan:
    numbers = [row.member_no for row in file.rows]
    known = await members.by_number(conn, numbers)
    newer = await members.newer(conn, numbers, now=now)
    active = await members.active(conn)
    planned = list(_planned(file, known, newer))
    touched = [p for p in planned if p.changes]
    return Plan(
        new=tuple(p for p in touched if p.changes[0].field == CREATED),
        changed=tuple(p for p in touched if p.changes[0].field != CREATED),
        gone=tuple(sorted(active - set(numbers))) if full else (),
        unchanged=len(planned) - len(touched),
        newer=tuple(sorted(newer)),
        left=sum(has_left(m) for m in known.values()),
        unmarked=tuple(p for p in touched if _is_unmarked(p)),
        active=len(active),
    )


def _planned(
    file: RegisterFile, known: Mapping[str, Member], newer: Iterable[str]
) -> Iterable[Planned]:
    errors: list[FieldError] = []
    planned = []
    for row in file.rows:
        if row.member_no in newer:
            continue
        member = known.get(row.member_no)
        before = values_of(member) if member else NOTHING
        after = row.over(before)
        found = changes(before, after)
        # What was on record before is no fault of the file's.
        errors += unfit(after, row.line, file.titles) if found or member is None else []
        if member is None:
            found = (Change(CREATED, "", ""), *found)
        if not errors:
            made = with_values(member, after) if member else new_member(row.member_no, after)
            planned.append(Planned(made, found))
    if errors:
        raise BadInput(errors)
    return planned


def _is_unmarked(planned: Planned) -> bool:
    m = planned.member
    fresh = any(c.field in {"name", "organisation", "honorific"} for c in planned.changes)
    return fresh and m.organisation is None and not m.honorific and is_organisation(m.name)


def _compare(confirmed: Plan, plan: Plan) -> None:
    was, now = _by_number(confirmed), _by_number(plan)
    moved = [number for number in {**was, **now} if was.get(number) != now.get(number)]
    if moved:
        raise RegisterMoved(sorted(moved))


def _by_number(plan: Plan) -> dict[str, object]:
    touched: dict[str, object] = {p.member.member_no: p.changes for p in (*plan.new, *plan.changed)}
    return touched | dict.fromkeys(plan.gone, STATUS)


def _record(file: RegisterFile, plan: Plan, *, full: bool) -> ImportRecord:
    return ImportRecord(
        sha256=file.sha256,
        columns=tuple(file.titles),
        is_full=full,
        new=len(plan.new),
        changed=len(plan.changed),
        gone=len(plan.gone),
        unchanged=plan.unchanged,
    )


async def _write(
    conn: AsyncConnection, plan: Plan, import_id: int, *, actor: Actor, now: datetime
) -> None:
    wanted = [p.member for p in (*plan.new, *plan.changed)]
    written = await members.write(conn, wanted, now=now)
    new = {p.member.member_no for p in plan.new}
    # Somebody who was not on record could not be held: an event may have brought them meanwhile.
    moved = [m.member_no for m in wanted if written.get(m.member_no) != (m.member_no in new)]
    if moved:
        raise RegisterMoved(moved)
    made = [
        Recorded(member_no=p.member.member_no, change=change, import_id=import_id)
        for p in (*plan.new, *plan.changed)
        for change in (p.changes[:1] if p.changes[0].field == CREATED else p.changes)
    ]
    await store.record(conn, made, actor=actor, now=now)


async def _depart(
    conn: AsyncConnection,
    gone: Sequence[str],
    import_id: int,
    house: House,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Take those who are gone through the rules, as ``member.left`` does."""
    told = [
        parse_event(
            {
                "specversion": "1.0",
                "id": f"{import_id}:{number}",
                "source": SOURCE,
                "type": "member.left",
                "time": now.isoformat(),
                "data": {"member_no": number, "left_on": japan_date(now).isoformat()},
            }
        )
        for number in gone
    ]
    if not told:
        return
    ids = await events.insert(conn, told, actor=actor, now=now)
    if len(ids) < len(told):  # somebody else speaks as this source
        raise RegisterMoved([e.member_no for n, e in enumerate(told) if n not in ids])
    arrived = [Arrived(place=n, event_id=ids[n], event=event) for n, event in enumerate(told)]
    followed = await apply_events(conn, arrived, house, actor=actor, now=now)
    if followed.errors:
        raise BadInput(followed.errors)
    departures = {a.event.member_no: a.event_id for a in arrived}
    await store.adopt(conn, import_id, departures)
