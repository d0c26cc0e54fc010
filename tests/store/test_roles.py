"""What the roles of the database may do, and what they may not."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from notifier.runtime.engines import Engines
from notifier.store.roles import READER, RUNTIME


@pytest.fixture
async def runtime(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(_as(database_url, RUNTIME))
    yield made
    await made.close()


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    made = await asyncpg.connect(_as(database_url, READER))
    yield made
    await made.close()


def _as(url: str, role: str) -> str:
    return url.replace("+asyncpg", "").replace("postgres@", f"{role}@")


_LOG = "INSERT INTO log (at, kind, actor) VALUES (now(), 'test', 'system:test')"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE log SET actor = 'nobody'",
        "DELETE FROM log",
        "TRUNCATE log",
        "DROP TABLE log",
        "ALTER TABLE log DISABLE TRIGGER ALL",
        "CREATE TABLE mine (n integer)",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET session_replication_role = replica",
        "CREATE ROLE other SUPERUSER",
        "COPY members TO PROGRAM 'cat'",
        f"GRANT {READER} TO {RUNTIME}",
    ],
)
async def test_the_runtime_role_cannot(runtime: asyncpg.Connection, statement: str) -> None:
    await runtime.execute(_LOG)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await runtime.execute(statement)
    assert await runtime.fetchval("SELECT count(*) FROM log WHERE kind = 'test'") == 1


async def test_nor_can_it_reach_a_partition_by_its_name(runtime: asyncpg.Connection) -> None:
    await runtime.execute(_LOG)
    name = await runtime.fetchval("SELECT tableoid::regclass::text FROM log LIMIT 1")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await runtime.execute(f"DELETE FROM {name}")


async def test_not_even_the_owner_changes_the_log(database_url: str) -> None:
    owner = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        await owner.execute(_LOG)
        for statement in ("UPDATE log SET actor = 'x'", "DELETE FROM log", "TRUNCATE log"):
            with pytest.raises(asyncpg.PostgresError, match="log"):
                await owner.execute(statement)
    finally:
        await owner.close()


async def test_a_reader_reads(reader: asyncpg.Connection) -> None:
    assert await reader.fetchval("SELECT count(*) FROM messages") == 0
    for statement in (_LOG, "DELETE FROM members", "UPDATE tasks SET owner = 'me'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(statement)


def test_embedded_engines_are_used_as_the_runtime_role(engines: Engines) -> None:
    assert f"//{RUNTIME}@" in engines.urls.database
    assert "//postgres@" in engines.urls.owner
