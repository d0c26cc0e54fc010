"""The HTTP interface over a real house: PostgreSQL, Redis, registered scheme and members."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from notifier.api.app import create_app
from notifier.app.api_keys import new_key
from notifier.model.actor import Actor, ActorKind
from notifier.runtime.engines import Urls
from notifier.runtime.parts import Parts, joined
from notifier.runtime.services import HouseServices
from notifier.runtime.serving import serve
from notifier.runtime.settings import Settings
from notifier.store import keys, members, schemes
from tests.api.wire import Wire
from tests.samples import NOW, SCHEME, SOURCE, member

ACTOR = Actor(ActorKind.USER, "test")


@pytest.fixture
async def parts(settings: Settings, database_url: str, redis_url: str) -> AsyncIterator[Parts]:
    urls = Urls(database=database_url, redis=redis_url, intake=None)
    async with joined(settings, urls) as made:
        async with made.engine.begin() as conn:
            await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
            people = [(member(f"M{n:04d}"), NOW - timedelta(days=9)) for n in range(1, 6)]
            await members.save(conn, people, now=NOW)
        yield made


@pytest.fixture
async def key(parts: Parts) -> str:
    """An API key of the usual source."""
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await keys.add(conn, key_id, SOURCE, hashed, actor=ACTOR, now=NOW)
    return secret


def calling(parts: Parts, secret: str) -> httpx.AsyncClient:
    """A caller with a key."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(HouseServices(parts))),
        base_url="http://notifier.example.jp",
        headers={"Authorization": f"Bearer {secret}"},
    )


@pytest.fixture
async def client(parts: Parts, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with a key."""
    async with calling(parts, key) as made:
        yield made


@pytest.fixture
async def tester(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with a key for tests of the usual source."""
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await keys.add(conn, key_id, SOURCE, hashed, test=True, actor=ACTOR, now=NOW)
    async with calling(parts, secret) as made:
        yield made


@pytest.fixture
async def wire(parts: Parts, key: str) -> AsyncIterator[Wire]:
    """The server as it is run, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stop = asyncio.Event()
    elsewhere = parts.settings.model_copy(update={"api_port": port})
    here = Parts(elsewhere, parts.urls, parts.engine, parts.supervisor)
    running = asyncio.create_task(serve(here, stop))
    made = Wire(port, key)
    while True:
        try:
            await made.get("/healthz")
            break
        except OSError:
            assert not running.done(), running.exception()
            await asyncio.sleep(0.02)
    yield made
    stop.set()
    await running
