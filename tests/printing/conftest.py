"""What the tests of this room start from."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from tests.printing.letters import Letters


@pytest.fixture
def letters(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Letters:
    return Letters(engine, post_office, tmp_path / "var")
