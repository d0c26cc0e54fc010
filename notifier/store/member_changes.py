"""What has changed in the member register: every field with its earlier value, and by what.

Values are personal data; they stand in a side table that can be erased, and never in the log.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.register import Change

from .db import dumps, fetch, fetch_one, row, rows, run


@dataclass(frozen=True, slots=True)
class LockedImport:
    """An import that is held."""

    at: datetime
    undoes: int | None
    undone_by: int | None


@dataclass(frozen=True, slots=True)
class ListedImport:
    """An import and what it did."""

    import_id: int
    at: datetime
    actor: str
    new: int
    changed: int
    gone: int
    unchanged: int
    undoes: int | None
    undone_by: int | None


_RECORD = """
INSERT INTO member_changes (member_id, member_no, import_id, event_id, field, content, actor, at)
SELECT m.member_id, member_no, r.import_id, r.event_id, r.field, convert_to(r.content, 'UTF8'),
    :actor, :now
FROM ROWS FROM (jsonb_to_recordset(CAST(:rows AS jsonb)) AS (
    member_no text, import_id bigint, event_id bigint, field text, content text)) WITH ORDINALITY
    AS r(member_no, import_id, event_id, field, content, n)
JOIN members m USING (member_no) ORDER BY r.n
"""

_OPEN = """
INSERT INTO member_imports (at, actor, sha256, columns, is_full, new, changed, gone, unchanged,
    undoes)
VALUES (:now, :actor, :sha256, :columns, :is_full, :new, :changed, :gone, :unchanged, :undoes)
RETURNING import_id
"""

_SET = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One change of one member as it goes on record, by an import or by an event."""

    member_no: str
    change: Change
    import_id: int | None = None
    event_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRecord:
    """An import as it goes on record: its file's hash and columns, and how many it touched."""

    sha256: bytes | None
    columns: Sequence[str]
    is_full: bool
    new: int
    changed: int
    gone: int
    unchanged: int
    undoes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A change on record."""

    change_id: int
    member_id: int
    member_no: str
    change: Change
    import_id: int | None
    event_id: int | None
    actor: str
    at: datetime


_SELECT = """SELECT change_id, member_id, member_no, import_id, event_id, field, content, actor, at
    FROM member_changes"""

_ADOPT = """
UPDATE member_changes c SET import_id = :id
FROM unnest(CAST(:numbers AS text[]), CAST(:events AS bigint[])) AS g(no, event_id)
WHERE c.member_no = g.no AND c.event_id = g.event_id
"""

_LOCK_IMPORT = "SELECT at, undoes, undone_by FROM member_imports WHERE import_id = :id FOR UPDATE"

_SET_UNDONE = "UPDATE member_imports SET undone_by = :by WHERE import_id = :id"

_IMPORTS = """
SELECT import_id, at, actor, is_full, new, changed, gone, unchanged, undoes, undone_by
FROM member_imports ORDER BY import_id DESC LIMIT :limit
"""


async def record(
    conn: AsyncConnection, given: Iterable[Recorded], *, actor: Actor, now: datetime
) -> None:
    """Put changes of members that are on record."""
    known = [
        {
            "member_no": r.member_no,
            "import_id": r.import_id,
            "event_id": r.event_id,
            "field": r.change.field,
            "content": dumps({"before": r.change.before, "after": r.change.after}),
        }
        for r in given
    ]
    for start in range(0, len(known), _SET):
        part = known[start : start + _SET]
        await run(conn, _RECORD, {"rows": dumps(part), "actor": str(actor), "now": now})


async def adopt(conn: AsyncConnection, import_id: int, departures: Mapping[str, int]) -> None:
    """The departures (member number → event) that an import has brought about are its own."""
    await run(
        conn,
        _ADOPT,
        {"id": import_id, "numbers": list(departures), "events": list(departures.values())},
    )


async def open_import(
    conn: AsyncConnection, given: ImportRecord, *, actor: Actor, now: datetime
) -> int:
    """A new import; its id."""
    params: dict[str, Any] = {name: getattr(given, name) for name in ImportRecord.__slots__}
    params |= {"columns": list(given.columns), "actor": str(actor), "now": now}
    found = await row(conn, _OPEN, params)
    assert found is not None
    return int(found["import_id"])


async def lock_import(conn: AsyncConnection, import_id: int) -> LockedImport | None:
    """An import, held to the end of the transaction: at, undoes, undone_by."""
    return await fetch_one(conn, LockedImport, _LOCK_IMPORT, {"id": import_id})


async def set_undone(conn: AsyncConnection, import_id: int, by: int) -> None:
    """Note that an import has been taken back by another."""
    await run(conn, _SET_UNDONE, {"id": import_id, "by": by})


async def imports(conn: AsyncConnection, *, limit: int) -> Sequence[ListedImport]:
    """Imports, the newest first."""
    return await fetch(conn, ListedImport, _IMPORTS, {"limit": limit})


async def of_member(conn: AsyncConnection, number: str, *, limit: int) -> list[Known]:
    """The changes of a member, the newest first."""
    tail = " WHERE member_no = :no ORDER BY change_id DESC LIMIT :limit"
    return [_known(r) for r in await rows(conn, _SELECT + tail, {"no": number, "limit": limit})]


async def of_import(conn: AsyncConnection, import_id: int) -> list[Known]:
    """What an import changed, by member."""
    tail = " WHERE import_id = :id ORDER BY member_no, change_id"
    return [_known(r) for r in await rows(conn, _SELECT + tail, {"id": import_id})]


async def after(conn: AsyncConnection, import_id: int, numbers: Sequence[str]) -> list[Known]:
    """What has changed these members since an import, the oldest first."""
    tail = """ WHERE member_no = ANY(CAST(:numbers AS text[])) AND change_id > (
            SELECT max(change_id) FROM member_changes WHERE import_id = :id) ORDER BY change_id"""
    params = {"id": import_id, "numbers": list(numbers)}
    return [_known(r) for r in await rows(conn, _SELECT + tail, params)]


def _known(found: RowMapping) -> Known:
    content = orjson.loads(found["content"])
    names = ("change_id", "member_id", "member_no", "import_id", "event_id", "actor", "at")
    change = Change(found["field"], content["before"], content["after"])
    return Known(change=change, **{name: found[name] for name in names})
