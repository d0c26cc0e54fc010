"""What the tests of this room start from."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from tests.delivery.rig import Rig


@pytest.fixture
def rig(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Rig:
    return Rig(engine, post_office, tmp_path / "var")
