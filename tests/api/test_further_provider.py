"""A further provider: a module and its table (``toy_provider``)."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.api.app import create_app
from notifier.demo.post_office import PostOffice
from notifier.returns import providers
from notifier.runtime.clock import turn
from notifier.runtime.parts import Parts
from notifier.runtime.services import HouseServices
from notifier.runtime.settings import BadSettings, Settings, load_settings
from tests.returns.desk import Desk
from tests.samples import NOW

SECRET = "open sesame, toy"


@pytest.fixture
def toy() -> Iterator[None]:
    """The folder of the toy stands beside those that come with the program."""
    place = str(Path(__file__).parent.parent / "returns" / "toy_provider")
    providers.__path__.append(place)
    yield
    providers.__path__.remove(place)
    sys.modules.pop("notifier.returns.providers.toy", None)


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """The program on the day of the samples."""
    turn(tmp_path / "clock", NOW - datetime.now(UTC))
    return settings.model_copy(update={"clock_file": tmp_path / "clock"})


@pytest.mark.usefixtures("toy")
async def test_what_a_further_provider_tells_takes_effect(
    parts: Parts, engine: AsyncEngine, post_office: PostOffice, tmp_path: Path
) -> None:
    given = providers.read_settings({"toy": {"secret": SECRET}})
    listening = parts.settings.model_copy(update={"providers": given})
    services = HouseServices(Parts(listening, parts.urls, parts.engine, parts.supervisor))
    [message] = await Desk(engine, post_office, tmp_path / "rig").sent()
    told = {"id": "e1", "event": "gone", "to": "", "token": message["token"]}
    transport = httpx.ASGITransport(create_app(services))
    async with httpx.AsyncClient(transport=transport, base_url="http://n.example.jp") as client:
        refused = await client.post("/v1/webhooks/toy", json=told)
        taken = await client.post("/v1/webhooks/toy", json=told, headers={"x-toy-secret": SECRET})
    await services.close()
    assert (refused.status_code, taken.status_code) == (403, 204)
    desk = Desk(engine, post_office, tmp_path / "rig")
    assert await desk.state(message["message_id"]) == ("bounced", "bounced_for_good")


@pytest.mark.usefixtures("toy")
def test_its_settings_are_read_like_those_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFIER_PROVIDERS", '{"toy": {"secret": "short"}}')
    with pytest.raises(BadSettings, match="NOTIFIER_PROVIDERS__TOY__SECRET"):
        load_settings()
