"""What the tests of this room start from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from tests.deliver.rig import Rig
from tests.postfix import Postfix


@pytest.fixture
def rig(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Rig:
    return Rig(engine, post_office, tmp_path / "var")


@pytest.fixture(scope="session")
def postfix() -> Iterator[Postfix]:
    """A real Postfix, one for the whole run; tests tell their mails by the return path."""
    made = Postfix()
    made.start()
    yield made
    made.stop()
