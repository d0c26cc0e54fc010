"""A database to try something in: embedded, empty, and gone afterwards."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.store.db import connect
from notifier.store.migrate import upgrade

from .engines import Engines
from .settings import Settings

#: Nothing in it must outlive the program, so that nothing waits for the disk.
_FAST: Final = {"fsync": "off", "full_page_writes": "off"}


@asynccontextmanager
async def scratch(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """A migrated, empty database of its own, on a server under ``var`` beside the real one."""
    own = settings.model_copy(
        update={"var": settings.var / "scratch", "database_url": None, "redis_url": "unix:///none"}
    )
    name = f"scratch_{os.getpid()}"
    engines = Engines(own, database="postgres", postgres=_FAST)
    await asyncio.to_thread(engines.start)
    try:
        url = await asyncio.to_thread(engines.create_database, name)
        await upgrade(url)
        engine = connect(url)
        try:
            yield engine
        finally:
            await engine.dispose()
            await _drop(engines.database("postgres"), name)
    finally:
        await asyncio.to_thread(engines.stop)


async def _drop(url: str, name: str) -> None:
    conn = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await conn.close()
