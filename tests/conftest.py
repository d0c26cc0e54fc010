"""Real engines for every test: one server each per run, a fresh copy of the schema per test."""

import asyncio
import os
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import asyncpg
import hypothesis
import pytest
import redis
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from notifier.model.relay import Relay, Tls
from notifier.runtime.engines import Engines
from notifier.runtime.settings import PREFIX, Settings
from notifier.store.db import connect
from notifier.store.migrate import PARTITIONED, upgrade
from notifier.store.roles import RUNTIME
from tests.postfix import Postfix

for _name in [name for name in os.environ if name.startswith(PREFIX)]:
    del os.environ[_name]  # the developer's own settings are none of the tests' business

# How long an example takes depends on what else the machine does. The gate draws the same examples
# each time, so that what fails there is the change; `make explore` draws new ones, and more.
hypothesis.settings.register_profile("gate", deadline=None, derandomize=True)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=1000)
hypothesis.settings.load_profile("gate")

#: Whatever uses one of these, itself or through another, needs an engine.
_ENGINES = frozenset({"engines", "post_office", "tls_post_office", "postfix"})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs no engine as ``unit``; a module that starts one by itself says ``engine``."""
    for item in items:
        needs = _ENGINES & set(getattr(item, "fixturenames", ()))
        apart = item.get_closest_marker("engine") or item.get_closest_marker("sweep")
        if not needs and not apart:
            item.add_marker(pytest.mark.unit)


_TEMPLATE = "house_template"
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
_numbers = count(1)


class Databases:
    """Copies of the migrated template, made on a connection of their own."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)

    def open(self) -> None:
        self._runner.run(upgrade(self._engines.create_database(_TEMPLATE)))
        self._runner.run(self._without_months_ahead())
        address = self._engines.database("postgres").replace("+asyncpg", "")
        self._conn = self._runner.run(asyncpg.connect(address))

    async def _without_months_ahead(self) -> None:
        """Leave a fifth of the files out of every copy: what no test writes into.

        The last table keeps its months, because a start looks at it to see whether all are there.
        """
        address = self._engines.database(_TEMPLATE).replace("+asyncpg", "")
        conn = await asyncpg.connect(address)
        ahead = await conn.fetch(
            "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
            " AND right(relname, 6) ~ '^[0-9]{6}$'"
            " AND right(relname, 6) > to_char(now() AT TIME ZONE 'UTC', 'YYYYMM')"
            " AND left(relname, -7) <> $1",
            PARTITIONED[-1],
        )
        await conn.execute(f"DROP TABLE {', '.join(row['relname'] for row in ahead)}")
        await conn.close()

    def close(self) -> None:
        self._runner.run(self._conn.close())
        self._runner.close()

    def create(self, template: str = _TEMPLATE) -> str:
        name = f"test_{next(_numbers)}"
        self._runner.run(self._conn.execute(f"CREATE DATABASE {name} TEMPLATE {template}"))
        return name

    def drop(self, name: str) -> None:
        self._runner.run(self._conn.execute(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """PostgreSQL and Valkey of this run (of this worker, under xdist)."""
    with (
        tempfile.TemporaryDirectory(prefix="notifier-tests-") as folder,
        Engines(Settings(var=Path(folder)), postgres=_FAST) as running,
    ):
        yield running


@pytest.fixture(scope="session")
def databases(engines: Engines) -> Iterator[Databases]:
    made = Databases(engines)
    made.open()
    yield made
    made.close()


@pytest.fixture
def database_url(engines: Engines, databases: Databases) -> Iterator[str]:
    """A database of the test's own, migrated and empty."""
    name = databases.create()
    yield engines.database(name)
    databases.drop(name)


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = connect(database_url)
    yield made
    await made.dispose()


@pytest.fixture
def redis_url(engines: Engines) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(engines.urls.redis) as client:
        client.flushall()
    return engines.urls.redis


@pytest.fixture
def intake_redis_url(redis_url: str) -> str:
    """A second, empty one (another database of the same server)."""
    return redis_url.replace("db=0", "db=1")


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    """A real Postfix, one for the whole run; tests tell their mails by the return path."""
    made = Postfix()
    made.start()
    yield made
    made.stop()


@contextmanager
def in_thread(office: PostOffice) -> Iterator[PostOffice]:
    """An office in a thread, so that a busy test keeps nobody waiting."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(office.open(), loop).result()
        yield office
    finally:
        asyncio.run_coroutine_threadsafe(office.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def post_office(tmp_path: Path) -> Iterator[PostOffice]:
    """A relay without TLS: ``.port``, ``.messages``, ``.rules``, ``.wait_for(count)``."""
    with in_thread(PostOffice(tmp_path / "mail")) as office:
        yield office


@pytest.fixture
def tls_post_office(tmp_path: Path) -> Iterator[PostOffice]:
    """A relay with STARTTLS (``.certificate``) and a user ``notifier`` / ``open sesame``."""
    users = {"notifier": "open sesame"}
    with in_thread(PostOffice(tmp_path / "mail-tls", tls=True, users=users)) as office:
        yield office


@pytest.fixture
def settings(
    tmp_path: Path, database_url: str, redis_url: str, post_office: PostOffice
) -> Settings:
    """Settings of a whole house: its own database, Redis, var folder and relay."""
    relay = Relay(host=post_office.host, port=post_office.port, tls=Tls.NONE, name="post-office")
    return Settings(
        var=tmp_path / "var",
        database_url=database_url.replace("postgres@", f"{RUNTIME}@"),
        database_owner_url=database_url,
        redis_url=redis_url,
        relays=(relay,),
    )
