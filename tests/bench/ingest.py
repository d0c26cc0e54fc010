"""Ingest: events into the record, and the least that the same could cost."""

import asyncio
from collections.abc import AsyncIterator, Sequence, Set
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, Final

import asyncpg

from notifier.runtime.engines import Engines
from tests.bench.client import Client, prepared
from tests.bench.figures import Figure
from tests.bench.house import House, failed_charge, house

NAMES: Final = ("ingest_single_per_s", "ingest_batch_per_s", "ingest_batch_vs_copy")
COMMITS: Final = ("ingest_single_vs_commit",)
_SINGLES: Final = 1200
_CONNECTIONS: Final = 8
_MANY: Final = 64  # connections, of ours and of the peer
_ROUNDS: Final = 3
_ROUND: Final = 1280  # events of ours in each round, and commits of the peer
_BATCHES: Final = 10
_BATCH: Final = 500
_WARM: Final = 40
#: What an event leaves on record, in the order of their foreign keys.
_TABLES: Final = (
    *("events", "event_payloads", "cases", "message_keys", "messages", "message_facts"),
    *("message_causes", "decisions", "log"),
)
_COLUMNS: Final = """SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute
    WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped
      AND attname <> 'position' AND attgenerated = ''"""
_PEERS: Final = """
CREATE TABLE peer_events (LIKE events INCLUDING ALL);
CREATE TABLE peer_messages (LIKE messages INCLUDING ALL);
"""
_EVENT: Final = """INSERT INTO peer_events OVERRIDING SYSTEM VALUE
    SELECT (r).* FROM (SELECT jsonb_populate_record(NULL::peer_events, $1::jsonb) AS r) AS x"""
_MESSAGE: Final = """INSERT INTO peer_messages OVERRIDING SYSTEM VALUE
    SELECT (r).* FROM (SELECT jsonb_populate_record(NULL::peer_messages, $1::jsonb) AS r) AS x"""


async def measure(engines: Engines, var: Path, wanted: Set[str]) -> list[Figure]:
    """Events a second, single and in batches, and what part of COPY the batches are."""
    singles, batched = _WARM + _SINGLES, _BATCHES * _BATCH
    async with house("ingest", engines, var, people=singles + batched) as place:
        await place.serve()
        single = await _singles(place, singles)
        batch = await _batches(place, range(singles, singles + batched))
        copied = await _copied(place)
    return [*_figures(single, batch), _against_copy(batch, copied)]


async def measure_commits(engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``ingest_single_vs_commit``."""
    async with house("commits", engines, var, people=_WARM + _ROUNDS * _ROUND) as place:
        await place.serve()
        return [await _against_commits(place)]


async def _singles(place: House, count: int) -> float:
    """Events a second, one in each request, over several connections."""
    requests = [prepared(failed_charge(n), place.key) for n in range(count)]
    await _spread(place, requests[:_WARM], _CONNECTIONS)
    return _SINGLES / await _spread(place, requests[_WARM:], _CONNECTIONS)


async def _batches(place: House, people: range) -> float:
    """Events a second in full batches, over one connection."""
    requests = [
        prepared([failed_charge(n) for n in people[at : at + _BATCH]], place.key)
        for at in range(0, len(people), _BATCH)
    ]
    async with Client(place.parts.settings.api_port) as client:
        began = perf_counter()
        for request in requests:
            await client.post(request)
        return len(people) / (perf_counter() - began)


async def _spread(place: House, requests: Sequence[bytes], connections: int) -> float:
    """Post over all connections at once; the seconds that it took."""

    async def post(mine: Sequence[bytes]) -> None:
        async with Client(place.parts.settings.api_port) as client:
            for request in mine:
                await client.post(request)

    began = perf_counter()
    await asyncio.gather(*(post(requests[n::connections]) for n in range(connections)))
    return perf_counter() - began


async def _against_commits(place: House) -> Figure:
    """Ours and the peer's in turns, on one database."""
    requests = [prepared(failed_charge(n), place.key) for n in range(_WARM + _ROUNDS * _ROUND)]
    await _spread(place, requests[:_WARM], _MANY)
    ours, bare = [], []
    async with _connections(place, _MANY) as pool:
        await pool[0].execute(_PEERS)
        rows = await _sample(pool[0])
        for n in range(_ROUNDS):
            at = _WARM + n * _ROUND
            ours.append(_ROUND / await _spread(place, requests[at : at + _ROUND], _MANY))
            bare.append(_ROUND / await _commits(pool, rows, n * _ROUND))
    ratio = median(our / peer for our, peer in zip(ours, bare, strict=True))
    return Figure(
        name="ingest_single_vs_commit",
        value=round(ratio, 3),
        unit="of a bare commit",
        goal=0.25,
        more_is_better=True,
        peer={"name": "bare commit", "value": round(median(bare), 1), "unit": "commits/s"},
        note=f"{_ROUNDS} × {_ROUND} single events over {_MANY} connections of HTTP, in turns with"
        f" as many commits of two plain inserts, event and message, from {_MANY} connections;"
        f" ours {median(ours):.0f} events/s; fsync on",
    )


async def _sample(conn: asyncpg.Connection) -> tuple[dict[str, Any], dict[str, Any]]:
    """An event and a message as ours were stored, as JSON."""
    return (
        await conn.fetchval("SELECT to_jsonb(e) FROM events e LIMIT 1"),
        await conn.fetchval("SELECT to_jsonb(m) FROM messages m LIMIT 1"),
    )


async def _commits(
    pool: Sequence[asyncpg.Connection], rows: tuple[dict[str, Any], dict[str, Any]], first: int
) -> float:
    """Commit an event and a message over all connections at once; the seconds that it took."""
    event, message = rows

    async def work(conn: asyncpg.Connection, mine: range) -> None:
        for n in mine:
            async with conn.transaction():
                await conn.execute(_EVENT, event | {"event_id": n, "id": f"peer {n}"})
                await conn.execute(_MESSAGE, message | {"message_id": n, "token": f"peer {n}"})

    began = perf_counter()
    places = range(first, first + _ROUND)
    await asyncio.gather(*(work(conn, places[n :: len(pool)]) for n, conn in enumerate(pool)))
    return perf_counter() - began


async def _copied(place: House) -> float:
    """Events a second when the rows of all events on record are copied in again.

    The log cannot be emptied: its rows come in a second time, with positions of their own.
    """
    async with _connections(place, 1) as [conn]:
        count = await conn.fetchval("SELECT count(*) FROM events")
        rows: dict[str, tuple[list[str], bytes]] = {}
        for table in _TABLES:
            names = await conn.fetchval(_COLUMNS, table)
            out, query = BytesIO(), f"SELECT {', '.join(names)} FROM {table}"
            await conn.copy_from_query(query, output=out, format="binary")
            rows[table] = names, out.getvalue()
        await conn.execute(f"TRUNCATE {', '.join(t for t in _TABLES if t != 'log')} CASCADE")
        began = perf_counter()
        async with conn.transaction():
            for table, (names, raw) in rows.items():
                source = BytesIO(raw)
                await conn.copy_to_table(table, columns=names, source=source, format="binary")
        return float(count / (perf_counter() - began))


@asynccontextmanager
async def _connections(place: House, count: int) -> AsyncIterator[list[asyncpg.Connection]]:
    """Connections to a house's database; JSON goes in and out as values."""
    import orjson

    url = place.parts.urls.database.replace("+asyncpg", "")
    made = [await asyncpg.connect(url) for _ in range(count)]
    try:
        for conn in made:
            await conn.set_type_codec(
                "jsonb",
                schema="pg_catalog",
                encoder=lambda value: orjson.dumps(value).decode(),
                decoder=orjson.loads,
            )
        yield made
    finally:
        for conn in made:
            await conn.close()


def _against_copy(batch: float, copied: float) -> Figure:
    return Figure(
        name="ingest_batch_vs_copy",
        value=round(batch / copied, 3),
        unit="of COPY",
        goal=0.10,
        more_is_better=True,
        peer={"name": "COPY", "value": round(copied, 1), "unit": "events/s"},
        note=f"{_BATCHES} batches of {_BATCH} over HTTP, {batch:.0f} events/s, against COPY of the"
        f" same rows into the same {len(_TABLES)} tables, in one transaction; fsync on",
    )


def _figures(single: float, batch: float) -> list[Figure]:
    path = "each event is decided and makes one mail in the record; no worker runs; fsync on"
    return [
        Figure(
            name="ingest_single_per_s",
            value=round(single, 1),
            unit="events/s",
            more_is_better=True,
            note=f"{_SINGLES} single events over {_CONNECTIONS} kept connections; {path}",
        ),
        Figure(
            name="ingest_batch_per_s",
            value=round(batch, 1),
            unit="events/s",
            more_is_better=True,
            note=f"{_BATCHES} batches of {_BATCH} over one kept connection; {path}",
        ),
    ]
