"""Pieces: letters in the files of a batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State

from .db import Columns, dumps, fetch, rows, run
from .documents import ARCHIVED, Codec, Packed
from .transitions import Transition


@dataclass(frozen=True, slots=True)
class NamedPiece:
    """A piece that the press or the post names."""

    message_id: int
    batch_id: int
    press_id: str | None
    posted_on: date | None
    returned_on: date | None
    state: State
    its_own: bool


@dataclass(frozen=True, slots=True)
class ReturnedPiece:
    """When and why the post brought a letter back."""

    batch_id: int
    returned_on: date
    returned_reason: str | None


@dataclass(frozen=True, slots=True)
class PrintedPiece:
    """A piece of a batch and where its letter stands."""

    message_id: int
    serial: int
    attempt: int
    file: str
    first_page: int
    pages: int
    grams: int | None
    yen: int | None
    press_id: str | None
    posted_on: date | None
    withdrawn_at: datetime | None
    state: State
    reason: str
    its_own: bool


@dataclass(frozen=True, slots=True)
class LetterInputs(Packed):
    """The packed inputs that a letter was made from."""

    message_id: int
    template_digest: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A letter that is printed into a file."""

    message_id: int
    serial: int  # 1-based, in the order of the manifest
    file: str  # in the batch's folder
    first_page: int  # 1-based, in the file
    pages: int
    grams: int
    yen: int  # postage
    digest: str  # of its template version
    sha256: bytes  # of its inputs
    size: int  # of its inputs
    dictionary_id: int
    body: bytes  # the inputs, packed


@dataclass(frozen=True, slots=True)
class BatchFile:
    """A file of a batch as the press gets it."""

    name: str
    pieces: int
    pages: int
    size: int  # bytes
    sha256: bytes


_PIECES: Final = Columns(Piece)
_FILE_COLUMNS: Final = Columns(BatchFile)

_PRINTED: Final = Transition({State.QUEUED: {State.PRINTED}}, channels=(Channel.LETTER,))

_PRINTED_ROWS = _PRINTED.moved(
    "given",
    f"m.message_id = given.message_id AND {_PRINTED.where()}",
    also="attempts = m.attempts + 1, template_digest = given.digest",
    returning="m.attempts, m.fence, m.created_at",
)

_PRINT = f"""
WITH given AS (
    SELECT * FROM {_PIECES.source}
), {_PRINTED_ROWS}, tried AS (
    INSERT INTO attempts (created_at, message_id, number, worker_id, fence, relay,
        template_digest, sha256, size, outcome, finished_at)
    SELECT :now, message_id, moved.attempts, :worker, moved.fence, :batch_name, digest, sha256,
        size, 'printed', :now
    FROM moved JOIN given USING (message_id)
    RETURNING attempt_id, message_id
), {ARCHIVED}, listed AS (
    INSERT INTO pieces (message_id, batch_id, serial, attempt, file, first_page, pages, grams,
        yen, sha256)
    SELECT message_id, :batch, serial, moved.attempts, file, first_page, pages, grams, yen, sha256
    FROM moved JOIN given USING (message_id)
), {_PRINTED.logged(attempt="tried")}
SELECT message_id FROM moved
"""

#: Whether the letter of piece ``p`` is where this piece has brought it: a letter that was taken
#: out of a batch may be in another one by now, and another state of it is none of this piece's.
_IS_NAMED = """taken_out_at IS NULL AND (message_id = ANY(CAST(:ids AS bigint[]))
        OR press_id = ANY(CAST(:press_ids AS text[])))"""
_ITS_OWN = "m.attempts = p.attempt AND p.taken_out_at IS NULL"


_OF = f"""
SELECT p.message_id, p.serial, p.attempt, p.file, p.first_page, p.pages, p.grams, p.yen,
    p.press_id, p.posted_on, p.withdrawn_at, m.state, m.reason, {_ITS_OWN} AS its_own
FROM pieces p JOIN messages m USING (message_id)
WHERE p.batch_id = :id AND p.taken_out_at IS NULL
"""

_DUE = """
SELECT message_id FROM messages
WHERE state = 'queued' AND channel = 'letter' AND next_attempt_at <= :now
  AND expires_at > :useful AND stopped IS NULL
ORDER BY message_id LIMIT :limit
"""

_CONTACTS = """
SELECT m.message_id, coalesce(c.contact, r.contact) AS contact
FROM messages m LEFT JOIN member_contacts c USING (member_id)
LEFT JOIN recipients r ON r.case_id = m.case_id AND m.member_id IS NULL
WHERE m.message_id = ANY(CAST(:ids AS bigint[]))
"""

_DROP_FILES = "DELETE FROM batch_files WHERE batch_id = :id"

_ADD_FILES = f"""
INSERT INTO batch_files (batch_id, {_FILE_COLUMNS.names})
SELECT :id, given.* FROM {_FILE_COLUMNS.source}
"""

_FILES = """
SELECT name, pieces, pages, size, sha256 FROM batch_files
WHERE batch_id = :id ORDER BY name
"""

_REPLACE = """
UPDATE pieces p SET serial = r.serial, file = r.file, first_page = r.first_page,
    yen = r.yen
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(message_id bigint, serial integer,
    file text, first_page integer, yen integer)
WHERE p.batch_id = :id AND p.message_id = r.message_id
"""

_TAKE_OUT = """
UPDATE pieces SET taken_out_at = :now
WHERE batch_id = :id AND message_id = ANY(CAST(:ids AS bigint[]))
"""

_WITHDRAW = """
UPDATE pieces SET withdrawn_at = :now, withdrawn_by = :actor
WHERE batch_id = :id AND message_id = ANY(CAST(:ids AS bigint[]))
  AND withdrawn_at IS NULL
"""

_ACKNOWLEDGE = """
UPDATE pieces p SET press_id = r.press_id, posted_on = r.posted_on
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(message_id bigint, press_id text,
    posted_on date)
WHERE p.batch_id = :id AND p.message_id = r.message_id
"""

_LOCK_NAMED = f"""
SELECT FROM messages WHERE message_id IN (SELECT message_id FROM pieces WHERE {_IS_NAMED})
ORDER BY message_id FOR UPDATE
"""

_NAMED = f"""
SELECT p.message_id, p.batch_id, p.press_id, p.posted_on, p.returned_on, m.state,
    {_ITS_OWN} AS its_own
FROM (SELECT * FROM pieces WHERE {_IS_NAMED}) p JOIN messages m USING (message_id)
ORDER BY p.batch_id, p.serial
"""

_BRING_BACK = """
UPDATE pieces p SET returned_on = r.returned_on, returned_reason = r.reason
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(message_id bigint,
    batch_id bigint, returned_on date, reason text)
WHERE p.batch_id = r.batch_id AND p.message_id = r.message_id
"""

_RETURNED_OF = """
SELECT batch_id, returned_on, returned_reason FROM pieces
WHERE message_id = :id AND returned_on IS NOT NULL ORDER BY batch_id
"""

_LOCK_BATCH = """
SELECT FROM messages WHERE message_id IN (
    SELECT message_id FROM pieces WHERE batch_id = :id AND taken_out_at IS NULL)
ORDER BY message_id FOR UPDATE
"""

_OF_BATCH = f"{_OF} ORDER BY p.serial"

_COUNTS = f"""
SELECT CASE WHEN {_ITS_OWN} THEN m.state ELSE 'elsewhere' END AS stand,
    count(*) AS count
FROM pieces p JOIN messages m USING (message_id)
WHERE p.batch_id = :id GROUP BY 1 ORDER BY 1
"""

_INPUTS = """
SELECT p.message_id, d.codec, d.body, x.dictionary, a.template_digest,
    a.sha256, a.size
FROM pieces p JOIN attempts a ON (a.message_id, a.number) = (p.message_id, p.attempt)
JOIN documents d ON (d.attempt_id, d.created_at) = (a.attempt_id, a.created_at)
LEFT JOIN dictionaries x USING (dictionary_id)
WHERE p.batch_id = :id AND p.message_id = ANY(CAST(:ids AS bigint[]))
ORDER BY p.serial
"""


async def due(
    conn: AsyncConnection, *, now: datetime, useful_at: datetime, limit: int
) -> list[int]:
    """Queued letters that are due and still of use at ``useful_at``, the oldest first."""
    found = await rows(conn, _DUE, {"now": now, "useful": max(now, useful_at), "limit": limit})
    return [r["message_id"] for r in found]


async def contacts(conn: AsyncConnection, ids: Sequence[int]) -> Mapping[int, bytes | None]:
    """Message id → contact data of its reader as stored, for putting letters in order."""
    found = await rows(conn, _CONTACTS, {"ids": list(ids)})
    return {r["message_id"]: r["contact"] for r in found}


async def marks(
    conn: AsyncConnection, ids: Sequence[int], *, lock: bool = False
) -> Mapping[int, str]:
    """Of the letters that are still to be printed: message id → a mark of its present version.

    A letter that is held, put right and released while it is being set says something else, though
    it is queued as before: its mark is another one. With ``lock`` they are held to the
    transaction's end.
    """
    tail = "ORDER BY message_id FOR UPDATE" if lock else ""
    found = await rows(
        conn,
        f"""SELECT message_id, CAST(xmin AS text) AS mark FROM messages
            WHERE message_id = ANY(CAST(:ids AS bigint[])) AND state = 'queued' {tail}""",
        {"ids": list(ids)},
    )
    return {r["message_id"]: r["mark"] for r in found}


async def add(
    conn: AsyncConnection,
    batch_id: int,
    pieces: Sequence[Piece],
    *,
    name: str,
    worker_id: UUID,
    actor: Actor,
    now: datetime,
) -> int:
    """Print letters into a batch: state, attempt, inputs, shown values, piece; how many."""
    found = await rows(
        conn,
        _PRINT,
        {
            **_PIECES.params(pieces),
            "batch": batch_id,
            "batch_name": name,
            "worker": worker_id,
            "codec": Codec.LETTER,
            "reason": Reason.PRINTED,
            "actor": str(actor),
            "now": now,
        },
    )
    return len(found)


async def set_files(conn: AsyncConnection, batch_id: int, given: Iterable[BatchFile]) -> None:
    """The files of a batch, in place of those on record."""
    await run(conn, _DROP_FILES, {"id": batch_id})
    await run(conn, _ADD_FILES, {**_FILE_COLUMNS.params(list(given)), "id": batch_id})


async def files(conn: AsyncConnection, batch_id: int) -> list[BatchFile]:
    """The files of a batch, in order."""
    return await fetch(conn, BatchFile, _FILES, {"id": batch_id})


async def replace(
    conn: AsyncConnection, batch_id: int, given: Iterable[Mapping[str, object]]
) -> None:
    """Pieces stand elsewhere after a rebuild: message_id, serial, file, first_page, yen."""
    await run(conn, _REPLACE, {"id": batch_id, "rows": dumps(list(given))})


async def take_out(
    conn: AsyncConnection, batch_id: int, ids: Iterable[int], *, now: datetime
) -> None:
    """Letters are in the batch no more."""
    await run(conn, _TAKE_OUT, {"id": batch_id, "ids": list(ids), "now": now})


async def withdraw(
    conn: AsyncConnection, batch_id: int, ids: Iterable[int], *, actor: Actor, now: datetime
) -> None:
    """The press is asked not to post these pieces."""
    await run(conn, _WITHDRAW, {"id": batch_id, "ids": list(ids), "actor": str(actor), "now": now})


async def acknowledge(
    conn: AsyncConnection, batch_id: int, given: Iterable[Mapping[str, object]]
) -> None:
    """What the press said of pieces: message_id, press_id, posted_on."""
    await run(conn, _ACKNOWLEDGE, {"id": batch_id, "rows": dumps(list(given))})


async def named(
    conn: AsyncConnection, ids: Sequence[int], press_ids: Sequence[str]
) -> Sequence[NamedPiece]:
    """Pieces of these letters, or with these numbers of the press; their letters are held.

    message_id, batch_id, press_id, posted_on, state, and its_own as in :func:`of_batch`.
    """
    params = {"ids": list(ids), "press_ids": list(press_ids)}
    await run(conn, _LOCK_NAMED, params)
    return await fetch(conn, NamedPiece, _NAMED, params)


async def bring_back(conn: AsyncConnection, given: Iterable[Mapping[str, object]]) -> None:
    """What the post brought back: message_id, batch_id, returned_on, reason."""
    await run(conn, _BRING_BACK, {"rows": dumps(list(given))})


async def returned_of(conn: AsyncConnection, message_id: int) -> Sequence[ReturnedPiece]:
    """When and why the post brought a letter back: returned_on, returned_reason, batch_id."""
    return await fetch(conn, ReturnedPiece, _RETURNED_OF, {"id": message_id})


async def of_batch(
    conn: AsyncConnection, batch_id: int, *, lock: bool = False
) -> Sequence[PrintedPiece]:
    """The pieces of a batch with the states of their letters, in order.

    ``its_own``: the state is that of this very print. With ``lock`` the letters are held to the
    end of the transaction.
    """
    if lock:  # in the order in which everybody takes them
        await run(conn, _LOCK_BATCH, {"id": batch_id})
    return await fetch(conn, PrintedPiece, _OF_BATCH, {"id": batch_id})


async def counts(conn: AsyncConnection, batch_id: int) -> Mapping[str, int]:
    """Where the letters of a batch stand: state → how many; ``elsewhere``: in it no more."""
    found = await rows(conn, _COUNTS, {"id": batch_id})
    return {r["stand"]: r["count"] for r in found}


async def inputs(
    conn: AsyncConnection, batch_id: int, ids: Sequence[int]
) -> Sequence[LetterInputs]:
    """What letters were made from, in the order of their pieces.

    message_id, codec, body, dictionary, template_digest, and of the inputs sha256 and size.
    """
    return await fetch(conn, LetterInputs, _INPUTS, {"id": batch_id, "ids": list(ids)})
