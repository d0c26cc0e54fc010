"""What the tests of this room start from."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from notifier.store import staff
from tests.delivery.rig import Rig
from tests.samples import NOW
from tests.wording.desk import LOGIN, Desk


@pytest.fixture
def rig(engine: AsyncEngine, post_office: PostOffice, tmp_path: Path) -> Rig:
    return Rig(engine, post_office, tmp_path / "var")


@pytest.fixture
async def desk(engine: AsyncEngine, tmp_path: Path) -> Desk:
    """Somebody who may publish."""
    async with engine.begin() as conn:
        await staff.save(conn, LOGIN, "海野 渚", "umino@example.jp", now=NOW)
    return Desk(engine, tmp_path / "drafts")
