"""Results of tests: what would have become of events that were never recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from .db import Params, dumps, fetch_one, rows, run


@dataclass(frozen=True, slots=True)
class TestResult:
    """What would have become of an event."""

    test_id: int
    outcome: bytes


_GUARD = "INSERT INTO never_committed (at) VALUES (:now)"

_STATEMENT_LIMIT = "SET LOCAL statement_timeout = '15s'"

_LOCK_LIMIT = "SET LOCAL lock_timeout = '5s'"

_IDLE_LIMIT = "SET LOCAL idle_in_transaction_session_timeout = '15s'"

_SAVE = """
INSERT INTO test_events (key_id, source, id, digest, received_at, outcome)
SELECT :key_id, source, id, decode(digest, 'hex'), :now, decode(outcome, 'hex')
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
    source text, id text, digest text, outcome text)
ORDER BY source, id
ON CONFLICT (source, id) DO NOTHING
"""

_KNOWN = """
SELECT source, id, test_id, digest FROM test_events
JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, id text)
USING (source, id)
"""

_GET = """
SELECT test_id, outcome FROM test_events
WHERE (source, id) = (:source, :id) AND received_at >= :since
"""

_FORGET = "DELETE FROM test_events WHERE received_at < :before"


async def guard(conn: AsyncConnection, *, now: datetime) -> None:
    """Make the transaction one that the database will not commit, whoever asks it to."""
    await run(conn, _GUARD, {"now": now})
    # Real events wait for the locks that a test holds: it is to end soon, whatever happens.
    await run(conn, _STATEMENT_LIMIT)
    await run(conn, _LOCK_LIMIT)
    await run(conn, _IDLE_LIMIT)


async def save(
    conn: AsyncConnection, results: Sequence[Params], *, key_id: str, now: datetime
) -> None:
    """Keep results (source, id, digest and outcome, both in hex); the first of an event stays."""
    await run(conn, _SAVE, {"rows": dumps(list(results)), "key_id": key_id, "now": now})


async def known(
    conn: AsyncConnection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, bytes]]:
    """(source, id) → (test id, digest) of the results that are kept."""
    found = await rows(conn, _KNOWN, {"rows": dumps([{"source": s, "id": i} for s, i in keys])})
    return {(r["source"], r["id"]): (r["test_id"], bytes(r["digest"])) for r in found}


async def get(
    conn: AsyncConnection, source: str, event_id: str, *, since: datetime
) -> TestResult | None:
    """The result of an event: test_id, outcome; None of one that is not kept, or older."""
    return await fetch_one(
        conn, TestResult, _GET, {"source": source, "id": event_id, "since": since}
    )


async def forget(conn: AsyncConnection, *, before: datetime) -> int:
    """Let go of results of before a moment; how many."""
    return await run(conn, _FORGET, {"before": before})
