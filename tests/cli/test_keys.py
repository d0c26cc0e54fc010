"""``notifier keys``: keys for tests, and who was turned away."""

import httpx

from notifier.api.app import create_app
from notifier.runtime.engines import Urls
from notifier.runtime.parts import joined
from notifier.runtime.services import HouseServices
from notifier.runtime.settings import Settings
from tests.cli.terminal import Terminal


async def test_keys_for_tests_and_refused_access(notifier: Terminal, settings: Settings) -> None:
    real = notifier("keys", "new", "billing.example.jp").split()[-1]
    test = notifier("keys", "create", "billing.example.jp", "--test").split()[-1]
    listed = notifier("keys", "list")
    assert real[3:15] in listed
    assert test[3:15] in listed
    urls = Urls(database=settings.database_url or "", redis=settings.redis_url or "", intake=None)
    async with joined(settings, urls) as parts:
        services = HouseServices(parts)
        assert (await services.authenticate(real)).test is False
        assert (await services.authenticate(test)).test is True
        transport = httpx.ASGITransport(create_app(services), client=("192.0.2.7", 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://n.example.jp") as client:
            for _ in range(4):
                headers = {"Authorization": f"Bearer {real[:-1]}_"}
                answer = await client.get("/v1/deliveries", headers=headers)
                assert answer.status_code == 401
        await services.close()
    refused = notifier("keys", "refused")
    for text in ("192.0.2.7", real[3:15], "鍵の秘密部分が違う", "4"):
        assert text in refused.replace("\n", "")
