"""A terminal on a house of the test's own, and somebody who has signed in at it."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from notifier.model.role import Role
from notifier.runtime.engines import Engines
from notifier.runtime.settings import Settings
from notifier.store.db import connect
from tests.app.office import Colleague, Office, office
from tests.cli.terminal import Terminal
from tests.conftest import Databases
from tests.samples import NOW


async def _opened(url: str) -> Office:
    """An office in which minato may do everything; its acts lie some minutes back."""
    engine = connect(url)
    made = await office(engine, now=datetime.now(UTC) - timedelta(minutes=20))
    await made.joins("minato", set(Role), asks="mori", confirms="hara")
    await engine.dispose()
    return made


@pytest.fixture(scope="session")
def opened(engines: Engines, databases: Databases) -> tuple[str, Office]:
    """A database with an office, to be copied, and who is in it."""
    name = databases.create()
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return name, runner.run(_opened(engines.database(name)))


@pytest.fixture
def database_url(
    engines: Engines, databases: Databases, opened: tuple[str, Office]
) -> Iterator[str]:
    """A database of the test's own, migrated, with an office and nothing else."""
    name = databases.create(opened[0])
    yield engines.database(name)
    databases.drop(name)


@pytest.fixture
def minato(opened: tuple[str, Office]) -> Colleague:
    """Whoever sits at the terminal."""
    return opened[1].staff["minato"]


@pytest.fixture
def notifier(settings: Settings, minato: Colleague) -> Terminal:
    """Runs ``notifier`` as minato; it is the morning of 16 July 2025."""
    terminal = Terminal(settings, NOW)
    terminal.sign_in(minato.token, minato.recovery)
    return terminal
