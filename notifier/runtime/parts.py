"""The parts of a process, joined: engine, writer, clock, bell and the door for events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.cases.situations import House
from notifier.deliver.bell import Bell
from notifier.intake.accept import Acceptor
from notifier.store import schemes
from notifier.store.db import connect
from notifier.store.migrate import upgrade
from notifier.write.writer import Writer

from .clock import Clock, clock_of
from .engines import Urls
from .settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every verb and every server of ours works with."""

    settings: Settings
    urls: Urls
    engine: AsyncEngine
    writer: Writer
    clock: Clock
    bell: Bell
    acceptor: Acceptor

    async def house(self, conn: AsyncConnection) -> House:
        """Schemes as registered now, and the notices."""
        return House(schemes=await schemes.all_of(conn), notices=self.writer.notices)


@asynccontextmanager
async def joined(settings: Settings, urls: Urls) -> AsyncIterator[Parts]:
    """Join the parts on running engines; the schema is brought up to date first."""
    await upgrade(urls.database)
    engine = connect(urls.database, size=settings.database_pool)
    writer, clock = Writer(settings.templates, settings.locales), clock_of(settings)
    bell = Bell(urls.redis)
    try:
        yield Parts(
            settings=settings,
            urls=urls,
            engine=engine,
            writer=writer,
            clock=clock,
            bell=bell,
            acceptor=Acceptor(engine, writer.notices, clock, bell),
        )
    finally:
        await bell.close()
        await engine.dispose()
