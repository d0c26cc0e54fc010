"""The statements that every mail goes through reach messages by index, as they are composed."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.store import attempts, claims
from notifier.store.direct import _BY_KEY, _PLANNED_ONCE, _Kept, _numbered

HOT = {"claim": claims._CLAIM, "permit": attempts._PERMIT, "record": attempts._RECORD}


@pytest.mark.parametrize(
    ("name", "ways"),
    [
        ("claim", ("Index Scan using messages_due on messages", "Tid Scan on messages")),
        ("permit", ("Index Scan using messages_pkey on messages",)),
        ("record", ("Index Scan using messages_pkey on messages",)),
    ],
)
async def test_a_hot_statement_reads_messages_by_index_alone(
    engine: AsyncEngine, name: str, ways: tuple[str, ...]
) -> None:
    sql, names = _numbered(HOT[name])
    kept = await _Kept.open(engine, _BY_KEY + _PLANNED_ONCE)
    try:
        await kept.driver.execute(f"PREPARE hot AS {sql}")
        nothing = ", ".join(["NULL"] * len(names))
        plan = [r[0] for r in await kept.driver.fetch(f"EXPLAIN EXECUTE hot({nothing})")]
    finally:
        kept.drop()
    scans = [line.strip() for line in plan if "Scan" in line and " on messages " in line]
    assert scans
    assert [s for s in scans if not s.removeprefix("->  ").startswith(ways)] == []
