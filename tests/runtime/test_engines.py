"""Embedded engines: shared between processes, stopped by the last one, however it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import psutil
import pytest
import redis

from notifier.runtime.engines import EngineError, Engines, Urls
from notifier.runtime.house import House
from notifier.runtime.settings import Settings

pytestmark = pytest.mark.engine

USER = """
import sys
from pathlib import Path
from notifier.runtime.engines import Engines
from notifier.runtime.settings import Settings
with Engines(Settings(var=Path(sys.argv[1]))):
    print("in", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def var() -> Iterator[Path]:
    with TemporaryDirectory(prefix="notifier-engines-") as folder:
        yield Path(folder)


def use(var: Path) -> "subprocess.Popen[str]":
    """Another process that uses the engines until told otherwise."""
    process = subprocess.Popen(
        [sys.executable, "-c", USER, str(var)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.communicate("out\n")
    assert process.returncode == 0


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def becomes(test: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not test():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


async def ask(urls: Urls, statement: str) -> object:
    conn = await asyncpg.connect(urls.migrations.replace("+asyncpg", ""))
    try:
        return await conn.fetchval(statement)
    finally:
        await conn.close()


def running(var: Path) -> bool:
    house = House(var)
    return house.postgres.alive() or house.bell.alive()


@contextmanager
def engines_in(var: Path) -> Iterator[Engines]:
    with Engines(Settings(var=var)) as engines:
        yield engines


def test_data_live_on_and_nothing_runs_on(var: Path) -> None:
    with engines_in(var) as engines:
        asyncio.run(ask(engines.urls, "CREATE TABLE kept AS SELECT 5 AS n"))
        with redis.Redis.from_url(engines.urls.redis) as client:
            assert client.ping()
    assert not running(var)
    with engines_in(var) as engines:
        assert asyncio.run(ask(engines.urls, "SELECT n FROM kept")) == 5


def test_the_last_user_stops_them(var: Path) -> None:
    first, second = use(var), use(var)
    with engines_in(var) as engines:
        pid = asyncio.run(ask(engines.urls, "SELECT pg_postmaster_start_time()"))
        end(first)
        assert pid == asyncio.run(ask(engines.urls, "SELECT pg_postmaster_start_time()"))
    assert running(var)
    end(second)
    assert not running(var)


def test_a_killed_user_neither_stops_others_nor_keeps_them_running(var: Path) -> None:
    first, second = use(var), use(var)
    kill(first)
    with engines_in(var) as engines:
        assert asyncio.run(ask(engines.urls, "SELECT 1")) == 1
    assert running(var)
    kill(second)  # nobody is left to stop them but the keeper
    assert becomes(lambda: not running(var))
    with engines_in(var) as engines:
        assert asyncio.run(ask(engines.urls, "SELECT 1")) == 1


def test_many_may_start_at_once(var: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", USER, str(var)], stdin=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        end(process)
    assert becomes(lambda: not running(var))


def test_what_died_is_started_again(var: Path) -> None:
    with engines_in(var) as engines:
        asyncio.run(ask(engines.urls, "CREATE TABLE kept AS SELECT 5 AS n"))
        house = House(var)
        pid = int((house.postgres.data / "postmaster.pid").read_text().split()[0])
        bell = int((house.bell.data / "valkey.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        os.kill(bell, signal.SIGKILL)
        assert becomes(lambda: not running(var))
        engines.ensure()
        assert asyncio.run(ask(engines.urls, "SELECT n FROM kept")) == 5


def test_a_pid_file_that_names_a_stranger_is_no_obstacle(var: Path) -> None:
    with engines_in(var):
        file = House(var).postgres.data / "postmaster.pid"
        text = file.read_text()
    stranger = psutil.Process().pid
    file.write_text(text.replace(text.split()[0], str(stranger), 1))
    with engines_in(var) as engines:
        assert asyncio.run(ask(engines.urls, "SELECT 1")) == 1
    assert psutil.pid_exists(stranger)


def test_a_half_made_data_folder_is_made_anew(var: Path) -> None:
    half = House(var).home / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with engines_in(var) as engines:
        assert asyncio.run(ask(engines.urls, "SELECT 1")) == 1


def test_long_and_odd_paths(var: Path) -> None:
    for name in ("x" * 120, "会員 'a'; b, c"):
        with engines_in(var / name) as engines:
            assert asyncio.run(ask(engines.urls, "SELECT 1")) == 1
            with redis.Redis.from_url(engines.urls.redis) as client:
                assert client.ping()
        House(var / name).postgres.sockets.rmdir()  # some are in /tmp, not in var

    with pytest.raises(EngineError, match="in the path"):
        House(var / "$HOME")


def test_sockets_are_for_the_owner_only(var: Path) -> None:
    house = House(var)
    sockets = house.postgres.sockets
    assert sockets.stat().st_mode & 0o077 == 0
    long = House(var / ("x" * 120)).postgres.sockets
    os.chown(long, 12345, 12345) if os.geteuid() == 0 else long.rmdir()
    if os.geteuid() != 0:
        long.symlink_to("/")
    with pytest.raises(EngineError, match="somebody else"):
        House(var / ("x" * 120))
    long.unlink() if long.is_symlink() else long.rmdir()


def test_the_log_of_the_server_holds_no_values(var: Path) -> None:
    with engines_in(var) as engines:
        asyncio.run(ask(engines.urls, "CREATE TABLE t (address text UNIQUE)"))
        insert = "INSERT INTO t VALUES ('hanako@example.jp')"
        asyncio.run(ask(engines.urls, insert))
        with pytest.raises(asyncpg.UniqueViolationError):
            asyncio.run(ask(engines.urls, insert))
        log = House(var).postgres.data.with_name("postgres.log").read_text()
    assert "unique constraint" in log
    assert "hanako" not in log


def test_two_databases_in_one_server(var: Path) -> None:
    with engines_in(var) as engines:
        other = engines.create_database("notifier_act2")
        assert engines.create_database("notifier_act2") == other
        urls = Urls(database=other, redis="", intake=None)
        assert asyncio.run(ask(urls, "SELECT current_database()")) == "notifier_act2"
        with pytest.raises(EngineError, match="not a name"):
            engines.create_database('x"; DROP DATABASE notifier')


def test_an_intake_stream_survives_a_restart(var: Path) -> None:
    settings = Settings(var=var)
    with Engines(settings, stream=True) as engines:
        assert engines.urls.intake is not None
        with redis.Redis.from_url(engines.urls.intake) as client:
            client.xadd("notifier:events", {"event": "{}"})
    with Engines(settings, stream=True) as engines:
        assert engines.urls.intake is not None
        with redis.Redis.from_url(engines.urls.intake) as client:
            assert client.xlen("notifier:events") == 1


def test_urls_in_the_settings_start_nothing(var: Path) -> None:
    given = Settings(
        var=var / "v",
        database_url="postgresql+asyncpg://db.example.jp/notifier",
        redis_url="redis://redis.example.jp",
    )
    with Engines(given) as engines:
        assert engines.urls.redis == "redis://redis.example.jp"
        assert engines.urls.intake is None
        with pytest.raises(EngineError):
            engines.create_database("x")
    assert not (var / "v").exists()


def test_only_what_has_no_url_is_started(var: Path) -> None:
    given = Settings(var=var, database_url="postgresql+asyncpg://db.example.jp/notifier")
    with Engines(given) as engines:
        assert engines.urls.database == given.database_url
        assert not House(var).postgres.alive()
        assert House(var).bell.alive()


def test_a_server_that_cannot_start_says_why(var: Path) -> None:
    with engines_in(var):
        pass
    with (House(var).postgres.data / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = nonsense\n")
    with pytest.raises(EngineError, match="shared_buffers"), engines_in(var):
        pass
    assert not running(var)


def test_the_start_is_not_fooled_by_a_dead_socket(var: Path) -> None:
    house = House(var)
    house.bell.data.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(house.postgres.sockets / "bell.sock"))
    with engines_in(var) as engines, redis.Redis.from_url(engines.urls.redis) as client:
        assert client.ping()


def test_they_stay_for_the_next_verb_for_a_while(var: Path) -> None:
    with Engines(Settings(var=var), linger=600) as engines:
        began = asyncio.run(ask(engines.urls, "SELECT pg_postmaster_start_time()"))
    assert running(var)
    with Engines(Settings(var=var), linger=1) as engines:
        assert asyncio.run(ask(engines.urls, "SELECT pg_postmaster_start_time()")) == began
    assert becomes(lambda: not running(var))


def test_asking_for_a_record_makes_none(var: Path) -> None:
    engines = Engines(Settings(var=var / "new"))
    assert not engines.has_record()
    assert not (var / "new").exists()
    with engines:
        assert engines.has_record()
    assert engines.has_record()
