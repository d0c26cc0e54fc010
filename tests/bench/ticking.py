"""What a tick of the clock costs: as much as is due, however many cases are open."""

from collections.abc import Set
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.reminders import tick
from notifier.app.rule_context import RuleContext as House
from notifier.model.actor import Actor, ActorKind
from notifier.runtime.engines import Engines
from notifier.store import members, schemes
from notifier.store.db import connect, run
from notifier.store.migrate import upgrade
from tests.bench.figures import Figure
from tests.bench.house import drop, fresh, number
from tests.samples import NOTICES, SCHEME, SOURCE, member

NAMES: Final = ("case_tick_growth",)
_ACTOR: Final = Actor(ActorKind.USER, "bench")
_DUE: Final = 1000
_FEW, _MANY = 10_000, 1_000_000
#: One round a day, each on an open one; the first is to warm up.
_DAYS: Final = tuple(date(2025, 9, n) for n in (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 16))
_LONG_AGO: Final = datetime(2025, 8, 1, tzinfo=UTC)

# Cases of other people, which nobody looks at: they are not due for years.
_OTHERS: Final = (
    """INSERT INTO members (member_no, status, language, as_of, updated_at)
       SELECT 'X' || n, 'active', 'ja', :now, :now FROM generate_series(1, :count) n""",
    """INSERT INTO member_contacts (member_id, contact, email_index, email_since, updated_at)
       SELECT m.member_id, c.contact, int8send(m.member_id), :now, :now
       FROM members m, (SELECT contact FROM member_contacts LIMIT 1) c
       WHERE m.member_no LIKE 'X%' ORDER BY m.member_id""",
    """INSERT INTO cases (kind, source, matter, member_id, scheme, state, occurred_at, deadline,
           recharge_on, facts, plan, told_on, next_due_at, opened_at, reason)
       SELECT 'charge', :source, 'C-' || member_no, member_id, :scheme, 'open', :now,
           date '2035-09-08', date '2035-09-09', CAST(:facts AS jsonb), 'charge',
           date '2025-08-01', timestamptz '2035-09-01 09:00+09' + member_id * interval '1 second',
           :now, 'opened'
       FROM members WHERE member_no LIKE 'X%' ORDER BY member_id""",
)
# The last call is due on the day; after it nothing is, for as long as it is measured.
_ROUND: Final = """
INSERT INTO cases (kind, source, matter, member_id, scheme, state, occurred_at, deadline,
    recharge_on, facts, plan, told_on, next_due_at, opened_at, reason)
SELECT 'charge', :source, 'C-' || member_no || '-' || d.day, member_id, :scheme, 'open', :now,
    d.day + 1, d.day + 60, CAST(:facts AS jsonb), 'charge', date '2025-08-01',
    (d.day + time '09:00') AT TIME ZONE 'Asia/Tokyo', :now, 'opened'
FROM members, (SELECT CAST(:day AS date) AS day) d WHERE member_no LIKE 'M%'
"""
_FACTS: Final = """{"charged_on": "2025-07-15", "premium": 3030, "other_fees": 200, "total": 3230,
    "category": "limit", "deadline": "2025-09-08", "recharge_on": "2025-09-09"}"""


async def measure(engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``case_tick_growth``."""
    few, many = [await _among(engines, count) for count in (_FEW, _MANY)]
    note = (
        f"median of {len(_DAYS) - 1} ticks with {_DUE} reminders due, among {_MANY:,} open cases"
        f" ({1000 * many:.0f} ms) by among {_FEW:,} ({1000 * few:.0f} ms)"
    )
    value = round(many / few, 2)
    return [Figure(name=NAMES[0], value=value, unit="×", goal=1.2, note=note)]


async def _among(engines: Engines, count: int) -> float:
    """Seconds of a tick among so many open cases."""
    name = f"ticking_{count}"
    url = await fresh(engines, name)
    await upgrade(url)
    engine = connect(url)
    try:
        await _fill(engine, count)
        return median([await _tick(engine, day) for day in _DAYS][1:])
    finally:
        await engine.dispose()
        await drop(engines, name)


async def _fill(engine: AsyncEngine, count: int) -> None:
    given = {"now": _LONG_AGO, "source": SOURCE, "scheme": SCHEME.scheme, "facts": _FACTS}
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=_ACTOR, now=_LONG_AGO)
        people = [(member(number(n)), _LONG_AGO) for n in range(_DUE)]
        await members.save(conn, people, now=_LONG_AGO)
        for statement in _OTHERS:
            await run(conn, statement, {**given, "count": count - _DUE})
        for day in _DAYS:
            await run(conn, _ROUND, {**given, "day": day})
    async with engine.connect() as conn:
        vacuum = await conn.execution_options(isolation_level="AUTOCOMMIT")
        await run(vacuum, "VACUUM ANALYZE")
        await run(vacuum, "CHECKPOINT")


async def _tick(engine: AsyncEngine, day: date) -> float:
    """One tick at ten in the morning, until nothing is due any more."""
    house = House(schemes={SCHEME.scheme: SCHEME}, notices=NOTICES)
    now = datetime(day.year, day.month, day.day, 1, tzinfo=UTC)
    began, done, looked = perf_counter(), 0, 1
    while looked:
        async with engine.begin() as conn:
            looked, _ = await tick(conn, house, actor=_ACTOR, now=now)
        done += looked
    seconds = perf_counter() - began
    if done != _DUE:
        raise RuntimeError(f"{done} cases were due, not {_DUE}")
    return seconds
