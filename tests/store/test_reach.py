"""What one event reads does not grow with the tables, analyzed or not."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.app.apply_events import apply_events
from notifier.app.situations import IncomingEvent as Arrived
from notifier.model.event import Event
from notifier.store import events, members
from notifier.store.db import rows, run
from tests.cases.conftest import ACTOR, Office, office
from tests.cases.test_together import second
from tests.samples import NOW, charge_failed, member, settled

__all__ = ("office",)
_ASKED = 20
_OTHERS = 5000  # cases with a message each

#: Rows that this connection has read through, not by an index, in what grows with every message.
_READ_THROUGH = """
SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables
WHERE relname IN ('messages', 'message_keys', 'message_facts', 'message_causes', 'cases')
"""

#: Further cases with their messages, as copies of the first; the tables have no statistics.
_COPIES = [
    f"""INSERT INTO {table} OVERRIDING SYSTEM VALUE
        SELECT (jsonb_populate_record(one, jsonb_build_object({ids}))).*
        FROM {table} one, generate_series(1000, 999 + :count) n
        WHERE one.ctid = (SELECT min(ctid) FROM {table})"""
    for table, ids in {
        "cases": "'case_id', n, 'matter', 'X-' || n",
        "message_keys": "'message_id', n, 'case_id', n, 'token', 'T-' || n",
        "messages": "'message_id', n, 'case_id', n, 'token', 'T-' || n",
        "message_facts": "'message_id', n",
    }.items()
]


async def _read_through(conn: AsyncConnection) -> dict[str, int]:
    return {r["relname"]: r["seq_tup_read"] for r in await rows(conn, _READ_THROUGH)}


async def _taken(conn: AsyncConnection, office: Office, given: Sequence[Event]) -> None:
    """Take events in, in one batch."""
    now = max(one.time for one in given)
    new = await events.insert(conn, given, actor=ACTOR, now=now)
    arrived = [Arrived(place=n, event_id=i, event=given[n]) for n, i in sorted(new.items())]
    assert len(arrived) == len(given)
    followed = await apply_events(conn, arrived, await office.house(), actor=ACTOR, now=now)
    assert not followed.errors


async def test_an_event_reads_what_it_is_about(office: Office) -> None:
    numbers = [f"T{n:05d}" for n in range(_ASKED)]
    later = {"deadline": "2025-08-20", "recharge_on": "2025-08-21"}
    batches = {
        "a second charge fails": [second(no) for no in numbers],
        "the first one fails again": [charge_failed(no, data=later) for no in numbers],
        "a third one, of one member": [second(numbers[0], charge="E")],
        "the first ones are paid": [settled(no) for no in numbers],
    }
    async with office.engine.begin() as conn:
        await members.save(conn, [(member(no), NOW - timedelta(days=9)) for no in numbers], now=NOW)
    await office.accept(*(charge_failed(no) for no in numbers))
    async with office.engine.begin() as conn:
        for statement in _COPIES:
            await run(conn, statement, {"count": _OTHERS})
    async with office.engine.begin() as conn:
        # All is in memory; else PostgreSQL rightly reads a table of a few pages through.
        await run(conn, "SET LOCAL random_page_cost = 1")
        for name, given in batches.items():
            before = await _read_through(conn)
            await _taken(conn, office, given)
            assert await _read_through(conn) == before, name
