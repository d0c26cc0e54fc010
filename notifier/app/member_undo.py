"""Taking an import of the member register back, unless something later stands on it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotFound
from notifier.model.member import Member
from notifier.model.register import CREATED, STATUS, Change, values_of, with_values
from notifier.store import log, members, superseded
from notifier.store import member_changes as store
from notifier.store.member_changes import ImportRecord, Known, Recorded

#: The change by which a member who came by an import is taken away with it.
REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A field that is no longer as the import left it, or a member whom something stands on."""

    member_no: str
    field: str  # ``created``: the member is needed; ``status``: it has changed since


class CannotUndo(Exception):
    """Later changes stand on the import; nothing was taken back."""

    def __init__(self, obstacles: Sequence[Obstacle]) -> None:
        self.obstacles = tuple(obstacles)
        super().__init__(f"{len(self.obstacles)} later changes")


class AlreadyUndone(Exception):
    """The import is taken back already, or is itself an undo; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """What taking an import back does: how many members each way."""

    removed: tuple[Member, ...]  # came by the import
    restored: tuple[Member, ...]  # as they were before
    returned: tuple[str, ...]  # were gone by the import
    changes: tuple[tuple[str, Change], ...]
    departures: tuple[int, ...]  # the events by which they were gone

    @property
    def count(self) -> int:
        """How many members it touches."""
        return len(self.removed) + len(self.restored) + len(self.returned)


async def preview_undo(engine: AsyncEngine, import_id: int) -> Undo:
    """What taking an import back would do.

    Raises :class:`NotFound`, :class:`AlreadyUndone`, and :class:`CannotUndo` naming every field
    that has changed since.
    """
    async with engine.connect() as conn:
        return await _undo(conn, import_id)


async def undo(engine: AsyncEngine, import_id: int, *, actor: Actor, now: datetime) -> int:
    """Take an import back, all or nothing; the id under which that is on record.

    Raises what :func:`preview_undo` does. Requests that a departure cancelled stay cancelled; the
    cases it closed live on, and the next tick says what is due.
    """
    async with engine.begin() as conn:
        await members.lock(conn, {k.member_no for k in await store.of_import(conn, import_id)})
        found = await _undo(conn, import_id)
        by = await store.open_import(conn, _record(import_id, found), actor=actor, now=now)
        made = [Recorded(member_no=no, change=c, import_id=by) for no, c in found.changes]
        await store.record(conn, made, actor=actor, now=now)
        written = await members.write(conn, found.restored, now=now)
        if len(written) < len(found.restored):  # as of a later moment: an event was ahead of time
            wanted = {m.member_no for m in found.restored} - written.keys()
            raise CannotUndo([Obstacle(no, STATUS) for no in sorted(wanted)])
        await members.delete(conn, [m.member_id for m in found.removed])
        await superseded.take_back(conn, found.departures, now=now)
        await store.set_undone(conn, import_id, by)
        reason = [{"reason": f"members:{by}"}]
        await log.append(conn, "import", reason, actor=actor, now=now)
    return by


async def _undo(conn: AsyncConnection, import_id: int) -> Undo:
    record = await store.lock_import(conn, import_id)
    if record is None:
        raise NotFound("import", import_id)
    if record.undone_by is not None or record.undoes is not None:
        raise AlreadyUndone(import_id)
    by_member: dict[str, list[Known]] = {}
    for known in await store.of_import(conn, import_id):
        by_member.setdefault(known.member_no, []).append(known)
    people = await members.by_number(conn, list(by_member))
    created = [k[0].member_id for k in by_member.values() if k[0].change.field == CREATED]
    bound = await members.bound(conn, created)
    later = _net(await store.after(conn, import_id, list(by_member)))
    left_by = await members.left_by(conn, list(by_member))
    obstacles = [
        Obstacle(no, field)
        for no, done in by_member.items()
        for field in (
            _changed_since(done, people[no], later.get(no, set()), left_by.get(no), no in bound)
            if no in people
            else [CREATED]
        )
    ]
    if obstacles:
        raise CannotUndo(obstacles)
    return _reversed(by_member, people)


def _net(later: Iterable[Known]) -> dict[str, set[str]]:
    """Number → fields that have become others; what was changed and changed back has not."""
    first: dict[tuple[str, str], str] = {}
    last: dict[tuple[str, str], str] = {}
    for known in later:
        key = (known.member_no, known.change.field)
        first.setdefault(key, known.change.before)
        last[key] = known.change.after
    found: dict[str, set[str]] = {}
    for number, field in (key for key, value in last.items() if value != first[key]):
        found.setdefault(number, set()).add(field)
    return found


def _changed_since(
    done: Sequence[Known], member: Member, later: set[str], left_by: int | None, is_bound: bool
) -> Iterator[str]:
    values = values_of(member)
    for known in done:
        field, after = known.change.field, known.change.after
        if field == CREATED:
            yield from sorted(later) or ([CREATED] if is_bound else [])
        elif field == STATUS:
            if left_by != known.event_id:
                yield STATUS
        elif values.get(field, "") != after:
            yield field


def _reversed(by_member: Mapping[str, Sequence[Known]], people: Mapping[str, Member]) -> Undo:
    removed, restored, returned = [], [], []
    made: list[tuple[str, Change]] = []
    departures: list[int] = []
    for number, done in by_member.items():
        member, values = people[number], values_of(people[number])
        if done[0].change.field == CREATED:
            removed.append(member)
            made.append((number, Change(REMOVED, "", "")))
            made += [(number, Change(name, v, "")) for name, v in values.items() if v]
            continue
        back = [Change(k.change.field, k.change.after, k.change.before) for k in done]
        made += [(number, change) for change in back]
        if back[0].field == STATUS:
            returned.append(number)
            departures += [k.event_id for k in done if k.event_id is not None]
        else:
            restored.append(with_values(member, values | {c.field: c.after for c in back}))
    return Undo(
        removed=tuple(removed),
        restored=tuple(restored),
        returned=tuple(returned),
        changes=tuple(made),
        departures=tuple(departures),
    )


def _record(import_id: int, found: Undo) -> ImportRecord:
    return ImportRecord(
        sha256=None,
        columns=(),
        is_full=False,
        new=0,
        changed=len(found.restored) + len(found.returned),
        gone=len(found.removed),
        unchanged=0,
        undoes=import_id,
    )
