"""The house under attack: engines of its own, the real processes, and a clock that runs fast."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Final

import asyncpg
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.api_keys import new_key
from notifier.app.credentials import fresh_token, hash_of_token
from notifier.demo.crew import Crew, free_port, listening
from notifier.model.actor import system
from notifier.model.relay import Relay, Tls
from notifier.model.role import Permission
from notifier.runtime.clock import turn
from notifier.runtime.engines import Engines
from notifier.runtime.house import House as Places
from notifier.store import keys, members, schemes, service_accounts, staff
from notifier.store.db import connect, rows, scalar
from notifier.store.migrate import upgrade
from tests.chaos.disk import Disk
from tests.chaos.traffic import LETTERS, by_post, number
from tests.samples import LOCALES, SCHEME, SOURCE, TEMPLATES, member

LEASE: Final = 5.0  # seconds
WORKERS: Final = ("worker-1", "worker-2")
DOMAIN: Final = "notifier.example.jp"  # of Message-IDs
_STREAM: Final = "chaos"
_DATABASE: Final = "chaos"
_ACTOR: Final = system("chaos")
_CHUNK: Final = 1000  # members in one statement
_TURN: Final = 0.1  # seconds between two turns of the clock
_OPENS: Final = 120.0  # seconds for all processes to start, on a busy machine
_SETTLES: Final = 0.05  # seconds until the database has done what a stopped process had asked of it


@dataclass(kw_only=True)
class House:
    """Where everything is."""

    var: Path
    engines: Engines
    places: Places
    engine: AsyncEngine
    api_port: int
    key: str
    token: str  # of the service account that binds letters
    environment: dict[str, str]
    disk: Disk | None  # of the engines; None where nobody may mount one

    @property
    def stream_url(self) -> str:
        """The Redis of the stream."""
        return self.engines.urls.intake or ""

    @property
    def stream(self) -> str:
        """The stream's name."""
        return _STREAM

    @asynccontextmanager
    async def crew(self) -> AsyncIterator[Crew]:
        """The processes: intake and workers, started again whenever they end."""
        async with Crew(self.var, self.environment) as crew:
            crew.keep("serve", "notifier.cli", "serve")
            for name in WORKERS:
                crew.keep(name, "notifier.cli", "work")
            yield crew

    async def opened(self) -> None:
        """Wait until all processes are at work. Raises :class:`TimeoutError`."""
        await listening(self.api_port, seconds=_OPENS)
        async with asyncio.timeout(_OPENS):
            for name in WORKERS:
                while not ((pid := self.pid(name)) and await self.at_work(pid)):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)

    async def collecting(self) -> asyncio.subprocess.Process:
        """A process that binds all letters that wait."""
        with (self.var / "collect.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "notifier.cli", "batches", "collect"),
                env={**os.environ, **self.environment, "NOTIFIER_TOKEN": self.token},
                stdout=log,
                stderr=log,
            )

    def pid(self, name: str) -> int | None:
        """The process that runs under a name now."""
        try:
            pid = int((self.var / f"{name}.pid").read_text())
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        return pid

    async def at_work(self, pid: int) -> bool:
        """Whether a worker process has signed on."""
        sql = "SELECT count(*) FROM workers WHERE pid = :pid AND stopped_at IS NULL"
        async with self.engine.connect() as conn:
            return bool(await scalar(conn, sql, {"pid": pid}))

    async def permits(self, pids: list[int]) -> int:
        """Transmission permits outstanding at the workers of some processes."""
        sql = """SELECT count(*) FROM messages m JOIN workers w USING (worker_id)
                 WHERE m.state = 'sending' AND w.pid = ANY(:pids)"""
        async with self.engine.connect() as conn:
            return int(await scalar(conn, sql, {"pids": pids}))

    def worker_pids(self) -> list[int]:
        """The worker processes that run now."""
        return [pid for name in WORKERS if (pid := self.pid(name))]

    async def count(self, sql: str, **params: Any) -> int:
        """A number out of the record."""
        async with self.engine.connect() as conn:
            return int(await scalar(conn, sql, params))

    async def rows(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        """Rows of the record."""
        async with self.engine.connect() as conn:
            return [dict(r) for r in await rows(conn, sql, params)]


class Time:
    """Business time, which runs ``speed`` times as fast as ours."""

    def __init__(self, file: Path, *, speed: float) -> None:
        self.speed = speed
        self.passed = timedelta()  # by how much it is ahead
        self._file = file

    async def run(self) -> None:
        """Turn the clock for ever."""
        last = monotonic()
        while True:
            await asyncio.sleep(_TURN)
            now = monotonic()
            self.passed += timedelta(seconds=(now - last) * (self.speed - 1))
            last = now
            turn(self._file, self.passed)


@contextmanager
def frozen(pids: list[int]) -> Iterator[None]:
    """Processes that stand still within; one that has ended meanwhile does no harm."""
    for pid in pids:
        send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            send(pid, signal.SIGCONT)


async def settled() -> None:
    """Wait until what stopped processes had asked of the database is done."""
    await asyncio.sleep(_SETTLES)


def send(pid: int, sign: signal.Signals) -> bool:
    """Send a signal; False if the process is gone."""
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return False
    return True


@asynccontextmanager
async def house(
    var: Path, engines: Engines, *, relay_port: int, people: int, disk: Disk | None
) -> AsyncIterator[House]:
    """An empty record with scheme, members, staff and a key; empty streams; nothing runs yet."""
    url = await _fresh(engines)
    await upgrade(url)
    engine = connect(url, size=4)
    api_port = free_port()
    try:
        yield House(
            var=var,
            engines=engines,
            places=Places(var),
            engine=engine,
            api_port=api_port,
            key=await _open(engine, people),
            token=await _binder(engine),
            environment=_environment(var, engines, url, relay_port, api_port),
            disk=disk,
        )
    finally:
        await engine.dispose()


def clear(var: Path) -> None:
    """Take away what an earlier run left, apart from the engines."""
    for path in var.iterdir():
        if path.name not in ("engines", "engines.img"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _environment(
    var: Path, engines: Engines, url: str, relay_port: int, api_port: int
) -> dict[str, str]:
    relay = Relay(host="127.0.0.1", port=relay_port, tls=Tls.NONE, name="sink", connections=16)
    return {
        "NOTIFIER_VAR": str(var),
        "NOTIFIER_TEMPLATES": str(_templates(var)),
        "NOTIFIER_LOCALES": str(LOCALES),
        "NOTIFIER_DATABASE_URL": url,
        "NOTIFIER_REDIS_URL": engines.urls.redis,
        "NOTIFIER_INTAKE_REDIS_URL": engines.urls.intake or "",
        "NOTIFIER_INTAKE_STREAM": _STREAM,
        "NOTIFIER_INTAKE_SOURCE": SOURCE,
        "NOTIFIER_RELAYS": json.dumps([relay.model_dump(mode="json")]),
        "NOTIFIER_MESSAGE_ID_DOMAIN": DOMAIN,
        "NOTIFIER_API_PORT": str(api_port),
        "NOTIFIER_LEASE_SECONDS": str(LEASE),
        "NOTIFIER_CLOCK_FILE": str(var / "clock"),
        "NOTIFIER_SENDING_HOURS": "always",
    }


def _templates(var: Path) -> Path:
    """The notices, with refunds in the lane for bulk, so that all lanes have something to do."""
    made = var / "templates"
    shutil.copytree(TEMPLATES, made)
    for manifest in made.glob("*/refund/notice.toml"):
        text = manifest.read_text()
        manifest.write_text(text.replace('lane = "standard"', 'lane = "bulk"'))
    return made


async def _fresh(engines: Engines) -> str:
    conn = await asyncpg.connect(engines.database("postgres").replace("+asyncpg", ""))
    try:
        await conn.execute(f"DROP DATABASE IF EXISTS {_DATABASE} WITH (FORCE)")
    finally:
        await conn.close()
    for url in (engines.urls.redis, engines.urls.intake or ""):
        await flush(url)
    return await asyncio.to_thread(engines.create_database, _DATABASE)


async def flush(url: str) -> None:
    """Empty a Redis."""
    async with contextlib.aclosing(Redis.from_url(url)) as redis:
        await redis.flushall()


async def _binder(engine: AsyncEngine) -> str:
    """Register a service account that may bind letters; its token."""
    now, token = datetime.now(UTC), fresh_token("nt_binder")
    async with engine.begin() as conn:
        await service_accounts.add(
            conn,
            "binder",
            hash_of_token(token),
            [Permission.BATCHES_DO],
            by="test",
            now=now,
            until=now + timedelta(days=1),
            is_confirmed=True,
        )
    return token


async def _open(engine: AsyncEngine, people: int) -> str:
    """Register the scheme, the members, one of staff and an API key; the key."""
    now = datetime.now(UTC)
    key_id, secret, hashed = new_key()
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=_ACTOR, now=now)
        await staff.save(conn, "staff", "事務局 担当", "staff@office.example.jp", now=now)
        await keys.add(conn, key_id, SOURCE, hashed, actor=_ACTOR, now=now)
        post = [(member(by_post(n), email=""), now) for n in range(LETTERS)]
        await members.save(conn, post, now=now)
        for start in range(0, people, _CHUNK):
            given = [(member(number(n)), now) for n in range(start, min(start + _CHUNK, people))]
            await members.save(conn, given, now=now)
    return secret
