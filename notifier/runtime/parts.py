"""The parts of a process, joined: engine, writer, clock, bell and the door for events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier import files
from notifier.app.event_intake import Acceptor
from notifier.app.rule_context import RuleContext as House
from notifier.delivery.bell import Bell
from notifier.rendering.writer import Writer
from notifier.store.db import connect
from notifier.store.direct import Direct
from notifier.store.failures import STARTING_UP, sqlstate_of
from notifier.store.migrate import upgrade

from .clock import Clock, clock_of
from .engines import Urls
from .settings import Settings
from .supervision import Supervisor

_PATIENCE: Final = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What every verb and every server of ours works with."""

    settings: Settings
    urls: Urls
    engine: AsyncEngine
    direct: Direct  # for what every request asks
    writer: Writer
    clock: Clock
    bell: Bell
    acceptor: Acceptor
    supervisor: Supervisor  # of what runs in the background of this process

    async def house(self, conn: AsyncConnection) -> House:
        """Schemes and closed days as registered now, the notices, and the press's terms."""
        return await self.acceptor.house(conn)


async def _upgraded(url: str, *, creates: bool) -> None:
    """Bring the schema up to date; a server that is just starting is waited for."""
    until = monotonic() + _PATIENCE
    while True:
        try:
            return await upgrade(url, creates=creates)
        except Exception as error:
            if sqlstate_of(error) != STARTING_UP or monotonic() > until:
                raise
        await asyncio.sleep(0.2)


@asynccontextmanager
async def joined(
    settings: Settings, urls: Urls, supervisor: Supervisor | None = None, *, creates: bool = True
) -> AsyncIterator[Parts]:
    """Join the parts on running engines; the schema is brought up to date first.

    ``supervisor``: of the process, where something is supervised already. Raises
    :class:`NotAllowed` where there is no schema, unless this ``creates`` it.
    """
    await _upgraded(urls.migrations, creates=creates)
    engine = connect(urls.database, size=settings.database_pool)
    scratch = settings.var / "tmp"
    files.seal(settings.var, apart="postgres")
    files.sweep(scratch)
    writer = Writer(settings.templates, settings.locales, settings.stationery, scratch)
    clock = clock_of(settings)
    bell = Bell(urls.redis)
    direct = Direct(engine, most=2)
    acceptor = Acceptor(engine, writer.notices, clock, bell, settings.hours, settings.press)
    try:
        yield Parts(
            settings=settings,
            urls=urls,
            engine=engine,
            direct=direct,
            writer=writer,
            clock=clock,
            bell=bell,
            acceptor=acceptor,
            supervisor=supervisor or Supervisor(),
        )
    finally:
        await acceptor.close()
        await bell.close()
        direct.close()
        await engine.dispose()
