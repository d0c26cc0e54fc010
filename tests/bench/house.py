"""A house to measure: the real processes on real engines, with members to write to."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from notifier.app.api_keys import new_key
from notifier.demo.crew import Crew, free_port, listening
from notifier.demo.post_office import read_log
from notifier.model.actor import Actor, ActorKind
from notifier.runtime.engines import Engines, Urls
from notifier.runtime.parts import Parts, joined
from notifier.runtime.settings import load_settings
from notifier.store import keys, members, schemes
from tests.samples import SCHEME, SOURCE, amounts, charge, cloud, member

_ACTOR = Actor(ActorKind.USER, "bench")
_CHUNK = 1000
#: One caller may use more connections than are usual.
_FOR_ONE_CALLER = ("connections_per_address", "requests_per_address", "requests_per_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Where processes run and what they can be asked."""

    parts: Parts
    folder: Path
    environment: Mapping[str, str]
    crew: Crew
    key: str

    @property
    def relay_log(self) -> Path:
        """The log of the demo's relay."""
        return self.folder / "mail" / "relay.log"

    async def relay(self) -> None:
        """Start the demo's relay."""
        port, folder = self.parts.settings.relay_port, self.folder / "mail"
        office = ("notifier.demo.post_office", "--port", str(port), "--dir", str(folder))
        self.crew.keep("relay", *office)
        await listening(port)

    def crew_at(self, port: int, *, connections: int) -> Crew:
        """A crew of its own, whose workers use a relay on another port."""
        relay = {"host": "127.0.0.1", "port": port, "tls": "none", "connections": connections}
        given = {**self.environment, "NOTIFIER_RELAYS": json.dumps([relay])}
        return Crew(self.folder, given)

    async def serve(self) -> None:
        """Start ``notifier serve``."""
        self.crew.keep("serve", "notifier.cli", "serve")
        await listening(self.parts.settings.api_port)

    def work(self) -> None:
        """Start ``notifier work`` for all lanes."""
        self.crew.keep("worker", "notifier.cli", "work")

    def taken(self) -> list[dict[str, Any]]:
        """What the relay says that it took, in its order."""
        return read_log(self.relay_log)

    async def until_taken(self, count: int, *, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The first ``count`` that the relay took. Raises :class:`TimeoutError`."""
        async with asyncio.timeout(seconds):
            while self.relay_log.read_bytes().count(b"\n") < count:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        return self.taken()[:count]


@asynccontextmanager
async def house(name: str, engines: Engines, var: Path, *, people: int) -> AsyncIterator[House]:
    """A fresh database with ``people`` members, and a crew for the processes to come."""
    folder = var / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    urls = Urls(database=await fresh(engines, name), redis=engines.urls.redis, intake=None)
    settings = load_settings(
        var=folder,
        database_url=urls.database,
        redis_url=urls.redis,
        relay_host="127.0.0.1",
        relay_port=free_port(),
        relay_tls="none",
        api_port=free_port(),
        sending_hours="always",
    )
    given = {
        "NOTIFIER_VAR": str(folder),
        "NOTIFIER_DATABASE_URL": urls.database,
        "NOTIFIER_REDIS_URL": urls.redis,
        "NOTIFIER_RELAY_HOST": settings.relay_host,
        "NOTIFIER_RELAY_PORT": str(settings.relay_port),
        "NOTIFIER_RELAY_TLS": settings.relay_tls,
        "NOTIFIER_API_PORT": str(settings.api_port),
        "NOTIFIER_SENDING_HOURS": settings.sending_hours,
        "NOTIFIER_HTTP": json.dumps(dict.fromkeys(_FOR_ONE_CALLER, 100)),
    }
    try:
        async with joined(settings, urls) as parts, Crew(folder, given) as crew:
            key = await _open(parts, people)
            yield House(parts=parts, folder=folder, environment=given, crew=crew, key=key)
    finally:
        await drop(engines, name)


async def fresh(engines: Engines, name: str) -> str:
    """An empty database; what an earlier sitting left under the name goes."""
    await drop(engines, name)
    return engines.create_database(name)


async def drop(engines: Engines, name: str) -> None:
    """Remove a database: a million mails take some gigabytes."""
    conn = await asyncpg.connect(engines.database("postgres").replace("+asyncpg", ""))
    try:
        await conn.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await conn.close()


async def _open(parts: Parts, people: int) -> str:
    """Register the scheme, the members and an API key; the key."""
    now = parts.clock.now()
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=_ACTOR, now=now)
        await keys.add(conn, key_id, SOURCE, hashed, actor=_ACTOR, now=now)
        for start in range(0, people, _CHUNK):
            numbers = range(start, min(start + _CHUNK, people))
            given = [(member(number(n)), now) for n in numbers]
            await members.save(conn, given, now=now)
    return secret


def number(n: int) -> str:
    """The number of the ``n``-th member."""
    return f"M{n:06d}"


def address(n: int) -> str:
    """Where mail to the ``n``-th member goes."""
    return member(number(n)).email


def failed_charge(n: int) -> dict[str, Any]:
    """``billing.card.charge_failed`` of the ``n``-th member: makes one mail."""
    today, now = date.today(), datetime.now(UTC)  # noqa: DTZ011 (a deadline a month off)
    data = charge(
        number(n),
        charged_on=str(today - timedelta(days=1)),
        amounts=amounts(),
        gateway="gmo",
        codes=["G02"],
        deadline=str(today + timedelta(days=30)),
        recharge_on=str(today + timedelta(days=31)),
    )
    return cloud("billing.card.charge_failed", data, time=now.isoformat())
