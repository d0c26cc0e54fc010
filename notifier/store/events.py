"""Events: identity for ever, payload in its erasable side table, what was decided."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.actor import Actor
from notifier.model.event import TYPES, Event

from .db import dumps, fetch, rows, run


@dataclass(frozen=True, slots=True)
class Cause:
    """An event that caused a message."""

    event_id: int
    source: str
    id: str
    type: str
    occurred_at: datetime
    received_at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a message."""

    decided_at: datetime
    outcome: str
    reason: str
    details: Any


_INSERT = """
WITH sent AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        n integer, source text, id text, type text, version smallint, member_no text,
        occurred_at timestamptz, digest text, supersedes text, payload text)
    ORDER BY n
), given AS MATERIALIZED (
    SELECT nextval(pg_get_serial_sequence('events', 'event_id')) AS event_id, sent.* FROM sent
), made AS (
    -- Numbered as they were sent, for the later one of two counts; stored in an order that is the
    -- same for everybody, so that two batches with the same events never wait for each other.
    INSERT INTO events (event_id, source, id, type, version, member_no, occurred_at, digest,
        supersedes, received_at, actor)
    OVERRIDING SYSTEM VALUE
    SELECT event_id, source, id, type, version, member_no, occurred_at, decode(digest, 'hex'),
        supersedes, :now, :actor
    FROM given ORDER BY source, id
    ON CONFLICT (source, id) DO NOTHING
    RETURNING event_id
), kept AS (
    INSERT INTO event_payloads (event_id, received_at, payload)
    SELECT event_id, :now, convert_to(payload, 'UTF8') FROM made JOIN given USING (event_id)
), logged AS (
    INSERT INTO log (at, kind, actor, event_id) SELECT :now, 'event', :actor, event_id FROM made
)
SELECT given.n, event_id FROM made JOIN given USING (event_id) ORDER BY given.n
"""

#: Events with their payloads, to be narrowed down.
WITH_PAYLOAD = """
SELECT e.*, p.payload FROM events e JOIN event_payloads p
    ON (p.event_id, p.received_at) = (e.event_id, e.received_at)
"""

_KNOWN = """
SELECT e.source, e.id, e.event_id, e.digest
FROM events e JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(source text, id text)
USING (source, id)
"""

_DECIDED = """
WITH given AS (
    SELECT * FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        event_id bigint, outcome text, reason text, notice text, message_id bigint,
        details jsonb, tasks jsonb)
), marked AS (
    UPDATE events e SET decided_at = :now
    WHERE e.event_id IN (SELECT event_id FROM given)
)
INSERT INTO decisions
    (event_id, decided_at, outcome, reason, notice, message_id, details, tasks)
SELECT event_id, :now, outcome, reason, notice, message_id, details, tasks
FROM given
"""

_CAUSES_OF = """
SELECT e.event_id, e.source, e.id, e.type, e.occurred_at, e.received_at, e.actor
FROM message_causes c JOIN events e USING (event_id)
WHERE c.message_id = :id ORDER BY e.event_id
"""

_DECISIONS_OF = """
SELECT decided_at, outcome, reason, details FROM decisions
WHERE message_id = :id ORDER BY decision_id
"""

_SKIP_SUPERSEDED = """
WITH gone AS (
    UPDATE events e SET decided_at = :now
    WHERE e.decided_at IS NULL AND EXISTS (
        SELECT FROM events l
        WHERE (l.source, l.supersedes) = (e.source, e.id) AND l.event_id > e.event_id)
    RETURNING e.event_id
)
INSERT INTO decisions (event_id, decided_at, outcome, reason, notice, details)
SELECT event_id, :now, 'skip', 'superseded', '', '{}' FROM gone
"""


async def insert(
    conn: AsyncConnection, events: Sequence[Event], *, actor: Actor, now: datetime
) -> dict[int, int]:
    """Store new events; place → event id of those not seen before."""
    given = [
        {
            "n": n,
            "source": e.source,
            "id": e.id,
            "type": e.type,
            "version": e.version,
            "member_no": e.member_no,
            "occurred_at": e.time,
            "digest": e.digest.hex(),
            "supersedes": e.supersedes,
            "payload": e.raw.decode(),
        }
        for n, e in enumerate(events)
    ]
    made = await rows(conn, _INSERT, {"rows": dumps(given), "now": now, "actor": str(actor)})
    return {r["n"]: r["event_id"] for r in made}


async def known(
    conn: AsyncConnection, keys: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, bytes]]:
    """(source, id) → (event id, digest) of those on record."""
    given = [{"source": s, "id": i} for s, i in keys]
    if not given:
        return {}
    found = await rows(conn, _KNOWN, {"rows": dumps(given)})
    return {(r["source"], r["id"]): (r["event_id"], bytes(r["digest"])) for r in found}


async def decided(
    conn: AsyncConnection, outcomes: Iterable[Mapping[str, Any]], *, now: datetime
) -> None:
    """Store what was decided: one row for each outcome of each event, and mark the events."""
    await run(conn, _DECIDED, {"rows": dumps(list(outcomes)), "now": now})


async def causes_of(conn: AsyncConnection, message_id: int) -> Sequence[Cause]:
    """The events that caused a message."""
    return await fetch(conn, Cause, _CAUSES_OF, {"id": message_id})


async def decisions_of(conn: AsyncConnection, message_id: int) -> Sequence[Decision]:
    """What was decided about a message, oldest first."""
    return await fetch(conn, Decision, _DECISIONS_OF, {"id": message_id})


async def skip_superseded(conn: AsyncConnection, *, now: datetime) -> int:
    """Decide undecided events that another one has taken the place of: nothing follows."""
    return await run(conn, _SKIP_SUPERSEDED, {"now": now})


async def told_by(conn: AsyncConnection, message_id: int) -> list[tuple[int, Event]]:
    """The latest event about each charge (or whatever else) that a message tells of, in order."""
    found = await rows(
        conn,
        WITH_PAYLOAD
        + """ JOIN message_causes c ON c.event_id = e.event_id
              WHERE c.message_id = :id ORDER BY e.event_id""",
        {"id": message_id},
    )
    latest: dict[str, tuple[int, Event]] = {}
    for r in found:
        event = event_of(r)
        latest[getattr(event.data, "charge_id", None) or ""] = (r["event_id"], event)
    return list(latest.values())


def event_of(found: RowMapping) -> Event:
    """An event with its payload, as :data:`WITH_PAYLOAD` finds it. ValueError where it is none."""
    raw = bytes(found["payload"])
    model = TYPES[found["type"]][found["version"]]
    return Event(
        source=found["source"],
        id=found["id"],
        type=found["type"],
        version=found["version"],
        time=found["occurred_at"],
        data=model.model_validate(orjson.loads(raw)["data"]),
        supersedes=found["supersedes"],
        digest=bytes(found["digest"]),
        raw=raw,
    )
