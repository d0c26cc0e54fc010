"""The fixtures themselves."""

from pathlib import Path

import redis.asyncio
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.demo.post_office import PostOffice
from notifier.runtime.settings import Settings
from notifier.store.db import scalar


async def test_each_test_has_an_empty_database_of_its_own(engine: AsyncEngine) -> None:
    async with engine.begin() as conn:
        assert await scalar(conn, "SELECT count(*) FROM events") == 0


async def test_redis_is_empty(redis_url: str, intake_redis_url: str) -> None:
    for url in (redis_url, intake_redis_url):
        async with redis.asyncio.Redis.from_url(url) as client:
            assert await client.dbsize() == 0
            await client.set("left", "behind")


async def test_settings_point_to_the_fixtures(
    settings: Settings, post_office: PostOffice, tmp_path: Path
) -> None:
    assert settings.var == tmp_path / "var"
    assert settings.relays[0].port == post_office.port
