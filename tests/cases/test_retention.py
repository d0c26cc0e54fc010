"""What grows has an end: partitions come ahead of time, texts of events go once all is done."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.housekeeping import Tidied, tidy
from notifier.model.retention import Retention
from notifier.store.db import run
from notifier.store.migrate import PARTITIONED
from tests.cases.conftest import Office
from tests.samples import charge_failed, submitted

_RULES = Retention(payload_days=90)


async def tidied(office: Office, url: str, **after: int) -> Tidied:
    now = office.hand.time + timedelta(**after)
    return await tidy(office.engine, _RULES, owner_url=url, now=now)


async def kept(office: Office) -> list[str]:
    found = await office.rows(
        "SELECT type FROM event_payloads JOIN events USING (event_id) ORDER BY event_id"
    )
    return [r["type"].rpartition(".")[2] for r in found]


async def execute(engine: AsyncEngine, statement: str) -> None:
    async with engine.begin() as conn:
        await run(conn, statement)


async def test_texts_of_events_go_once_everything_has_ended(
    office: Office, database_url: str
) -> None:
    await office.accept(submitted("M0001"), charge_failed("M0002"), charge_failed("M0003"))
    await execute(
        office.engine,
        """UPDATE messages SET state = 'sent' WHERE member_id =
               (SELECT member_id FROM members WHERE member_no = 'M0003')""",
    )
    assert (await tidied(office, database_url, days=89)).payloads == 0
    done = await tidied(office, database_url, days=91)
    assert (done.payloads, done.more) == (1, False)
    # One mail is not sent yet, and the case of the other may have to speak again.
    assert await kept(office) == ["charge_failed", "charge_failed"]
    await execute(office.engine, "UPDATE cases SET state = 'closed'")
    assert (await tidied(office, database_url, days=91)).payloads == 1
    [waiting] = await office.rows("SELECT state FROM messages WHERE state = 'queued'")
    assert len(await kept(office)) == 1
    await execute(office.engine, "UPDATE events SET decided_at = NULL")
    await execute(office.engine, "UPDATE messages SET state = 'cancelled'")
    assert (await tidied(office, database_url, days=9_000)).payloads == 0
    await execute(office.engine, "UPDATE events SET decided_at = now()")
    assert (await tidied(office, database_url, days=91)).payloads == 1
    assert len(await office.rows("SELECT event_id FROM events")) == 3  # what was told stays told
    assert waiting["state"] == "queued"


async def test_partitions_are_made_ahead_of_time(office: Office, database_url: str) -> None:
    await tidied(office, database_url)  # the tests' template has no months ahead
    assert (await tidied(office, database_url)).months == 0
    last = datetime.now(UTC).date().replace(day=1)
    for _ in range(3):
        last = (last + timedelta(days=31)).replace(day=1)
    for table in PARTITIONED:
        await execute(office.engine, f"DROP TABLE {table}_{last:%Y%m}")
    async with office.engine.begin() as conn:  # somebody is at it: it gives way, and comes again
        await run(conn, "LOCK TABLE log IN ACCESS EXCLUSIVE MODE")
        assert (await tidied(office, database_url)).months == len(PARTITIONED) - 1
    made = await asyncio.gather(*(tidied(office, database_url) for _ in range(3)))
    assert sum(one.months for one in made) == 1
    row = {"at": datetime(last.year, last.month, 15, tzinfo=UTC)}
    async with office.engine.begin() as conn:
        await run(conn, "INSERT INTO log (at, kind, actor) VALUES (:at, 'test', 'test')", row)
    [place] = await office.rows(
        "SELECT tableoid::regclass::text AS name FROM log WHERE kind = 'test'"
    )
    assert place["name"] == f"log_{last:%Y%m}"
