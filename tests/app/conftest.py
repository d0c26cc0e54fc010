"""An office of users in a database of the test's own."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.app.office import Office, office


@pytest.fixture
async def here(engine: AsyncEngine) -> Office:
    """Two administrators, mori and hara, and kishi, who has every other role."""
    return await office(engine)
