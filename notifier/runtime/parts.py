"""The parts of a process, joined: engine, writer, clock, bell and the door for events."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from time import monotonic
from typing import TYPE_CHECKING, Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier import files
from notifier.store.db import connect
from notifier.store.direct import Direct
from notifier.store.failures import STARTING_UP, sqlstate_of
from notifier.store.migrate import upgrade

from .clock import clock_of
from .engines import Urls
from .periodic import CountedJobs
from .settings import Settings
from .supervision import Supervisor

if TYPE_CHECKING:
    from notifier.app.event_intake import Acceptor
    from notifier.app.rule_context import RuleContext
    from notifier.delivery.editions import Editions
    from notifier.delivery.wake_up import LaneNotifier
    from notifier.rendering.writer import Writer

_PATIENCE: Final = 60.0  # seconds


class Parts:
    """What every verb and every server of ours works with.

    What takes long to load is loaded and made by whoever first asks for it: a verb that reads the
    record needs neither templates nor Redis.
    """

    def __init__(
        self, settings: Settings, urls: Urls, engine: AsyncEngine, supervisor: Supervisor
    ) -> None:
        self.settings = settings
        self.urls = urls
        self.engine = engine
        self.direct = Direct(engine, most=2)  # for what every request asks
        self.clock = clock_of(settings)
        self.job_metrics = CountedJobs()  # of the periodic jobs of this process
        self.supervisor = supervisor  # of what runs in the background of this process

    @cached_property
    def writer(self) -> "Writer":
        """Who writes mails and letters, with the templates of the settings."""
        from notifier.rendering.writer import Writer

        scratch = self.settings.var / "tmp"
        files.sweep(scratch)
        return Writer(
            self.settings.templates, self.settings.locales, self.settings.stationery, scratch
        )

    @cached_property
    def editions(self) -> "Editions":
        """The wordings in force, as published."""
        from notifier.delivery.editions import Editions

        return Editions(self.engine, self.writer)

    @cached_property
    def bell(self) -> "LaneNotifier":
        """What wakes the workers."""
        from notifier.delivery.wake_up import LaneNotifier

        return LaneNotifier(self.urls.redis)

    @cached_property
    def acceptor(self) -> "Acceptor":
        """Who accepts events."""
        from notifier.app.event_intake import Acceptor

        hours, press = self.settings.hours, self.settings.press
        return Acceptor(self.engine, self.writer.notices, self.clock, self.bell, hours, press)

    async def house(self, conn: AsyncConnection) -> "RuleContext":
        """Schemes and closed days as registered now, the notices, and the press's terms."""
        return await self.acceptor.house(conn)

    async def close(self) -> None:
        """Finish what is under way, and let go of all connections."""
        if "acceptor" in self.__dict__:
            await self.acceptor.close()
        if "bell" in self.__dict__:
            await self.bell.close()
        self.direct.close()
        await self.engine.dispose()


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
    files.seal(settings.var, apart="postgres")
    engine = connect(urls.database, size=settings.database_pool)
    parts = Parts(settings, urls, engine, supervisor or Supervisor())
    try:
        yield parts
    finally:
        await parts.close()
