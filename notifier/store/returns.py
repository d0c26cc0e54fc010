"""Returns: what came back, each kept once, its bytes in a side table that can be erased."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.errors import Damaged
from notifier.model.returns import KnownReturn, Outcome, Return, ReturnCount, ReturnReason, Standing
from notifier.model.tracking import BounceReason, DeliveredLevel, Finding, Reading, ReturnKind

from .db import Columns, fetch, fetch_one, row, rows, run, run_all
from .put_off import Sweep, is_due


@dataclass(frozen=True, slots=True)
class Known:
    """What has come in before, by its place (from 1) among what came again."""

    n: int
    return_id: int
    kind: str
    message_id: int | None


@dataclass(frozen=True, slots=True)
class KeptReturn:
    """What came back, with its bytes and their reading."""

    return_id: int
    source: str
    external_id: str
    sha256: bytes
    standing: Standing
    message_id: int | None
    recipients: list[str] | None
    delivered_from: str  # read with the rest: one that nobody can read stops no other
    happened_at: datetime | None
    raw: bytes
    reading: bytes


class _Arrival(NamedTuple):
    """A return as its row is made of it."""

    source: str
    external_id: str
    sha256: bytes
    kind: str
    recipients: str  # parted by spaces
    delivered_from: str
    happened_at: datetime | None
    raw: bytes
    reading: bytes

    @classmethod
    def of(cls, one: Return) -> "_Arrival":
        reading = one.reading
        named = (one.source, one.external_id, hashlib.sha256(one.raw).digest(), reading.kind)
        sent = (" ".join(one.recipients), one.delivered_from, one.at)
        return cls(*named, *sent, one.raw, _written(reading))


_ARRIVALS: Final = Columns(_Arrival)
# Rows go in, and are counted, in one order, so that two who keep the same ones do not wait in a
# circle.
_KEEP = f"""
WITH given AS (
    SELECT * FROM {_ARRIVALS.source}
), kept AS (
    INSERT INTO returns (source, external_id, sha256, size, received_at, kind, standing,
        recipients, delivered_from, happened_at, handled_at, handled_by)
    SELECT source, external_id, sha256, length(raw), :now, kind, 'waiting',
        string_to_array(nullif(recipients, ''), ' '), delivered_from, happened_at, :now, :actor
    FROM given ORDER BY sha256, source, external_id
    ON CONFLICT DO NOTHING
    RETURNING return_id, source, external_id
), bytes AS (
    INSERT INTO return_raws (return_id, received_at, raw, reading)
    SELECT return_id, :now, raw, reading FROM kept JOIN given USING (source, external_id)
)
SELECT return_id, source, external_id FROM kept
"""

_AGAIN = """
WITH given AS (
    SELECT * FROM unnest(CAST(:sources AS text[]), CAST(:ids AS text[]), CAST(:hashes AS bytea[]))
        WITH ORDINALITY AS g(source, external_id, sha256, n)
), known AS (
    SELECT DISTINCT ON (g.n) g.n, r.return_id FROM given g JOIN returns r
        ON (r.source, r.external_id) = (g.source, g.external_id) OR r.sha256 = g.sha256
    ORDER BY g.n, r.return_id
), held AS (
    SELECT return_id FROM returns WHERE return_id IN (SELECT return_id FROM known)
    ORDER BY return_id FOR UPDATE
), counted AS (
    UPDATE returns r SET times = times + c.count
    FROM (SELECT return_id, count(*) AS count FROM known JOIN held USING (return_id) GROUP BY 1) c
    WHERE r.return_id = c.return_id
)
SELECT known.n, return_id, kind, message_id FROM known JOIN returns USING (return_id)
"""

_SETTLE = """
UPDATE returns r SET standing = g.standing, reason = g.reason, kind = g.kind,
    message_id = g.message_id, handled_at = :now, handled_by = :actor
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(
    return_id bigint, standing text, reason text, kind text, message_id bigint)
WHERE r.return_id = g.return_id
"""

_WITH_RAW = """
SELECT r.*, b.raw, b.reading FROM returns r JOIN return_raws b USING (return_id, received_at)
"""


class Kept(NamedTuple):
    """Which of the given returns are new, and which came before."""

    fresh: dict[int, int]  # place → return id
    known: dict[int, Known]  # place → the first


_TAKE_WAITING = f"""
{_WITH_RAW} WHERE r.standing = 'waiting' AND {is_due(Sweep.RETURN, "r.return_id")}
ORDER BY r.return_id LIMIT :limit FOR UPDATE OF r SKIP LOCKED
"""

_SEARCH = """
SELECT * FROM returns
WHERE (CAST(:standing AS text) IS NULL OR standing = :standing)
  AND (CAST(:reason AS text) IS NULL OR reason = :reason)
  AND (CAST(:only AS bigint) IS NULL OR return_id = :only)
ORDER BY return_id DESC LIMIT :limit
"""

_COUNTS = """
SELECT standing, reason, kind, count(*) AS count, CAST(sum(times) AS bigint) AS times
FROM returns GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3
"""

_CURSOR = """
SELECT generation, position FROM return_cursors WHERE source = :source
FOR UPDATE
"""

_MOVE_CURSOR = """
INSERT INTO return_cursors (source, generation, position, moved_at)
VALUES (:source, :generation, :position, :now)
ON CONFLICT (source) DO UPDATE SET generation = excluded.generation,
    position = excluded.position, moved_at = excluded.moved_at
"""


async def keep(
    conn: AsyncConnection, given: Sequence[Return], *, actor: Actor, now: datetime
) -> Kept:
    """Keep what came back; the same name or the same bytes again are counted instead."""
    arrivals = [_Arrival.of(one) for one in given]
    named: dict[tuple[str, str], int] = {}
    seen: set[bytes] = set()
    for n, one in enumerate(arrivals):
        if one.sha256 not in seen:
            named.setdefault((one.source, one.external_id), n)
        seen.add(one.sha256)
    first = _ARRIVALS.params([arrivals[n] for n in named.values()])
    found = await rows(conn, _KEEP, {**first, "now": now, "actor": str(actor)})
    fresh = {named[r["source"], r["external_id"]]: r["return_id"] for r in found}
    rest = [n for n in range(len(given)) if n not in fresh]
    if not rest:
        return Kept(fresh, {})
    again = {
        "sources": [arrivals[n].source for n in rest],
        "ids": [arrivals[n].external_id for n in rest],
        "hashes": [arrivals[n].sha256 for n in rest],
    }
    return Kept(fresh, {rest[r.n - 1]: r for r in await fetch(conn, Known, _AGAIN, again)})


def _written(reading: Reading) -> bytes:
    """A reading as kept beside the bytes, without the text that they hold anyway."""
    plain = asdict(replace(reading, text=""))
    try:
        return orjson.dumps(plain)
    except TypeError:  # half of a character, in somebody's words
        return json.dumps(plain, default=str).encode()


def restored(found: KeptReturn) -> Return:
    """A return as it was given, from a row with its bytes; the reading's text is left out."""
    plain = orjson.loads(found.reading)
    findings = tuple(_finding(one) for one in plain.pop("findings"))
    lists = ("tokens", "envelope_ids", "message_ids", "in_reply_to")
    plain |= {name: tuple(plain[name]) for name in lists}
    at = plain.pop("reported_at")
    reading = Reading(
        **{**plain, "kind": ReturnKind(plain["kind"])},
        findings=findings,
        reported_at=datetime.fromisoformat(at) if at else None,
    )
    return Return(
        source=found.source,
        external_id=found.external_id,
        raw=found.raw,
        reading=reading,
        recipients=tuple(found.recipients or ()),
        delivered_from=DeliveredLevel(found.delivered_from),
        at=found.happened_at,
    )


def _finding(plain: dict[str, Any]) -> Finding:
    return Finding(
        **{
            **plain,
            "kind": ReturnKind(plain["kind"]),
            "reason": plain["reason"] and BounceReason(plain["reason"]),
            "level": plain["level"] and DeliveredLevel(plain["level"]),
        }
    )


async def settle(
    conn: AsyncConnection, outcomes: Sequence[Outcome], *, actor: Actor, now: datetime
) -> None:
    """Note what became of returns."""
    await run_all(conn, _SETTLE, map(asdict, outcomes), now=now, actor=str(actor))


async def take_waiting(conn: AsyncConnection, *, now: datetime, limit: int) -> Sequence[KeptReturn]:
    """Returns that wait for their message, with their bytes, held to the transaction's end."""
    return await fetch(conn, KeptReturn, _TAKE_WAITING, {"limit": limit, "now": now})


async def get(conn: AsyncConnection, return_id: int, *, lock: bool = False) -> KeptReturn | None:
    """One return with its bytes; with ``lock`` it is held to the end of the transaction.

    Raises :class:`Damaged` for bytes that are not those that came in.
    """
    tail = " FOR UPDATE OF r" if lock else ""
    found = await fetch_one(
        conn, KeptReturn, f"{_WITH_RAW} WHERE r.return_id = :id{tail}", {"id": return_id}
    )
    # What was kept for as long as the rules of retention say is empty, and no hash holds for it.
    if found is not None and found.raw and hashlib.sha256(found.raw).digest() != found.sha256:
        raise Damaged("return", return_id)
    return found


async def search(
    conn: AsyncConnection,
    *,
    standing: Standing | None = None,
    reason: ReturnReason | None = None,
    only: int | None = None,
    limit: int = 50,
) -> list[KnownReturn]:
    """Return the newest returns that match, or that of one number."""
    given = {"standing": standing, "reason": reason, "only": only, "limit": limit}
    return await fetch(conn, KnownReturn, _SEARCH, given)


async def counts(conn: AsyncConnection) -> list[ReturnCount]:
    """How many returns stand where: standing, reason, kind, count, and how often they came."""
    return await fetch(conn, ReturnCount, _COUNTS)


async def cursor(conn: AsyncConnection, source: str) -> tuple[int, int]:
    """How far a source has been read: its generation and the position in it; (0, 0) at first.

    The right to move it is held to the end of the transaction.
    """
    found = await row(conn, _CURSOR, {"source": source})
    return (found["generation"], found["position"]) if found else (0, 0)


async def move_cursor(
    conn: AsyncConnection, source: str, generation: int, position: int, *, now: datetime
) -> None:
    """Note how far a source has been read."""
    await run(
        conn,
        _MOVE_CURSOR,
        {"source": source, "generation": generation, "position": position, "now": now},
    )
