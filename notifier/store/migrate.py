"""Bring a database to the newest schema, and make room for the months to come."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from notifier.logs import get_logger
from notifier.model.errors import NotAllowed

from . import roles
from .failures import passes

_log = get_logger(__name__)
PARTITIONED = (
    "event_payloads",
    "shown",
    "attempts",
    "attempt_replies",
    "documents",
    "return_raws",
    "tracking",
    "tracking_replies",
    "log",
    "log_openings",
)
_TRY = "SELECT pg_try_advisory_xact_lock(:key)"
_LOCK = 7_305_182_406  # any constant: two processes must not migrate at once


_MIGRATIONS = Path(__file__).parent / "migrations"
_AHEAD = 3  # months
_NEWEST = "head"
_HAS_RECORD = "SELECT to_regclass('alembic_version')"


async def upgrade(url: str, *, to: str = _NEWEST, creates: bool = True) -> None:
    """Run all missing migrations on the database at ``url``; safe to call again and at once.

    ``url`` is the owner's; the roles that everything else runs as get their rights.

    Raises :class:`NotAllowed` for a database that holds no record, unless this ``creates`` one.
    """
    engine = create_async_engine(url)
    today = datetime.now(UTC).date()
    try:
        async with engine.connect() as conn:
            if await _is_current(conn, today):
                return
            if not (creates or await conn.scalar(text(_HAS_RECORD))):
                raise NotAllowed("the database holds no record", code="no_schema")
        async with engine.begin() as conn:
            await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await conn.run_sync(_run, to)
            if to == _NEWEST:
                await open_months(conn, today, ahead=_AHEAD)
                if await roles.may_grant(conn):
                    await roles.grant(conn)
    finally:
        await engine.dispose()


async def _is_current(conn: AsyncConnection, today: date) -> bool:
    """Whether nothing is to be done; two looks are all that a start usually costs."""
    if not await conn.scalar(text(_HAS_RECORD)):
        return False
    newest = max(p.stem[:4] for p in (_MIGRATIONS / "versions").glob("[0-9]*.py"))
    version = await conn.scalar(text("SELECT version_num FROM alembic_version"))
    last = today.replace(day=1)
    for _ in range(_AHEAD):
        last = _following(last)
    name = f"{PARTITIONED[-1]}_{last:%Y%m}"
    month = await conn.scalar(text("SELECT to_regclass(:name)"), {"name": name})
    if not (version == newest and month):
        return False
    return await roles.are_known(conn) or not await roles.may_grant(conn)


def _following(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _run(connection: Connection, to: str) -> None:
    from alembic import command  # only where there is something to migrate
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


async def open_months(conn: AsyncConnection, first: date, *, ahead: int) -> None:
    """Create the monthly partitions from ``first`` on that are missing.

    A month whose rows are already in the default partition stays there: moving rows of the
    append-only log is not this function's business.
    """
    month = first.replace(day=1)
    for _ in range(ahead + 1):
        following = _following(month)
        for table in PARTITIONED:
            await _open(conn, table, month, following)
        month = following


async def open_ahead(url: str) -> int:
    """Make what partitions are missing for this month and those to come; how many were made.

    For a record that is at work: each is made in a transaction of its own, which gives way to
    whoever holds the table for longer. The month is months ahead, and the next time will do.
    """
    engine = create_async_engine(url)
    first = datetime.now(UTC).date().replace(day=1)
    made = 0
    try:
        for table, month in await _missing(engine, first):
            try:
                async with engine.begin() as conn:
                    if not await conn.scalar(text(_TRY), {"key": _LOCK}):
                        return made  # somebody else is at it
                    await conn.execute(text("SET LOCAL lock_timeout = '2s'"))
                    made += await _open(conn, table, month, _following(month))
            except DBAPIError as problem:
                if not passes(problem):
                    _log.exception("partition not made", table=table)
    finally:
        await engine.dispose()
    return made


async def _missing(engine: AsyncEngine, first: date) -> list[tuple[str, date]]:
    months = [first]
    for _ in range(_AHEAD):
        months.append(_following(months[-1]))
    wanted = {f"{table}_{month:%Y%m}": (table, month) for month in months for table in PARTITIONED}
    async with engine.connect() as conn:
        found = await conn.scalars(
            text(
                "SELECT name FROM unnest(CAST(:names AS text[])) AS name"
                " WHERE to_regclass(name) IS NULL"
            ),
            {"names": [*wanted]},
        )
        return [wanted[name] for name in found]


async def _open(conn: AsyncConnection, table: str, month: date, following: date) -> bool:
    name = f"{table}_{month:%Y%m}"
    if await conn.scalar(text("SELECT to_regclass(:name)"), {"name": name}):
        return False
    key = _KEYS.get(table, "created_at")
    taken = await conn.scalar(
        text(f"SELECT 1 FROM {table}_rest WHERE {key} >= :a AND {key} < :b LIMIT 1"),
        {"a": month, "b": following},
    )
    if taken:
        return False
    bounds = f"FROM ('{month} 00:00+00') TO ('{following} 00:00+00')"
    room = _ROOM.get(table, "")
    await conn.execute(text(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES {bounds} {room}"))
    return True


#: An attempt is changed once, soon after it was made: with room on its page no index is touched.
_ROOM = {"attempts": "WITH (fillfactor = 70)"}
_KEYS = {
    "event_payloads": "received_at",
    "return_raws": "received_at",
    "tracking": "recorded_at",
    "tracking_replies": "recorded_at",
    "log": "at",
    "log_openings": "at",
}
