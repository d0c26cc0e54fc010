"""What one question reads does not grow with the tables, analyzed or not."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.store import history, members, together
from notifier.store.db import rows, run
from tests.cases.conftest import Office, office
from tests.samples import NOW, charge_failed, member

__all__ = ("office",)
_ASKED = 20
_OTHERS = 5000  # cases with a message each

#: Rows that this connection has read through, not by an index, in what grows with every message.
_READ_THROUGH = """
SELECT relname, seq_tup_read FROM pg_stat_xact_user_tables
WHERE relname IN ('messages', 'message_keys', 'message_facts', 'message_cases', 'cases')
"""


def _asked(case_ids: Sequence[int], **more: Any) -> list[dict[str, Any]]:
    about = {"notice": "card_error", "step": "first", **more}
    return [{"n": n, "cases": [one], **about} for n, one in enumerate(case_ids)]


async def _waiting(conn: AsyncConnection, case_ids: Sequence[int]) -> int:
    return len(await together.waiting(conn, _asked(case_ids, channel="email")))


async def _lately(conn: AsyncConnection, case_ids: Sequence[int]) -> int:
    facts = (await together.waiting(conn, _asked(case_ids[:1], channel="email")))[0]["facts"]
    since = (NOW - timedelta(days=1)).isoformat()
    asked = _asked(case_ids, since=since, facts=facts)
    return len(await together.lately(conn, asked)) and len(asked)


async def _said_before(conn: AsyncConnection, case_ids: Sequence[int]) -> int:
    about = {"notice": "card_error", "step": "first", "generation": 1}
    return len(await history.said_before(conn, [{"case_id": i, **about} for i in case_ids]))


async def _spoken(conn: AsyncConnection, case_ids: Sequence[int]) -> int:
    return len(await history.spoken(conn, case_ids))


async def _held(conn: AsyncConnection, case_ids: Sequence[int]) -> int:
    return _ASKED if not await history.cases_with_held(conn, case_ids) else 0


async def _read_through(conn: AsyncConnection) -> dict[str, int]:
    return {r["relname"]: r["seq_tup_read"] for r in await rows(conn, _READ_THROUGH)}


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


async def test_a_question_reads_what_it_is_about(office: Office) -> None:
    numbers = [f"T{n:05d}" for n in range(_ASKED)]
    async with office.engine.begin() as conn:
        await members.save(conn, [(member(no), NOW - timedelta(days=9)) for no in numbers], now=NOW)
    await office.accept(*(charge_failed(no) for no in numbers))
    async with office.engine.begin() as conn:
        found = [r["case_id"] for r in await rows(conn, "SELECT case_id FROM cases")]
        for statement in _COPIES:
            await run(conn, statement, {"count": _OTHERS})
    async with office.engine.connect() as conn:
        # All is in memory; else PostgreSQL rightly reads a table of a few pages through.
        await run(conn, "SET random_page_cost = 1")
        for ask in (_waiting, _lately, _said_before, _spoken, _held):
            before = await _read_through(conn)
            assert await ask(conn, found) == _ASKED
            assert await _read_through(conn) == before, ask.__name__
