"""What the tests of this room start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from tests.cases import conftest as cases
from tests.dovecot import Dovecot
from tests.returns.desk import Desk

office = cases.office


@pytest.fixture
def desk(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Desk:
    """A rig at which things come back."""
    return Desk(engine, post_office, tmp_path / "var")


@pytest.fixture
def dovecot() -> Iterator[Dovecot]:
    """A real Dovecot with an empty mailbox."""
    made = Dovecot()
    made.start()
    yield made
    made.stop()
