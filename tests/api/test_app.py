"""The edge of the HTTP interface: health, unknown ways, failures that keep their text."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx
import pytest
from structlog.testing import capture_logs

from notifier.api.app import create_app
from notifier.api.language import preferred
from notifier.api.services import Caller, Unavailable
from notifier.app.event_intake import Receipt
from notifier.intake.envelope import Batch
from notifier.model.access import Denied
from notifier.model.actor import Actor, ActorKind
from notifier.model.change import Page
from notifier.model.errors import FieldError
from notifier.model.event import Event
from notifier.model.outcome import DecisionPage, EventOutcome
from notifier.model.states import State
from tests.samples import NOW


class Broken:
    """A house in which nothing works."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def authenticate(self, key: str) -> Caller:
        return Caller(Actor(ActorKind.KEY, "k"), key)

    async def refused(self, address: str, interface: str, why: Denied) -> None:
        raise self._error

    async def accept(self, events: Sequence[Event], caller: Caller) -> Sequence[Receipt]:
        raise self._error

    async def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        raise self._error

    async def decisions(
        self, source: str, after: int | None, *, limit: int, only: Sequence[str]
    ) -> DecisionPage:
        raise self._error

    async def faults(self, batch: Batch, actor: Actor) -> Sequence[FieldError]:
        raise self._error

    def now(self) -> datetime:
        return NOW

    async def changes(
        self, source: str, after: int | None, *, limit: int, states: Sequence[State]
    ) -> Page:
        raise self._error

    def listens_to(self, provider: str) -> bool:
        return True

    def vouches(self, provider: str, headers: Mapping[str, str]) -> bool:
        return False

    async def take_returns(self, provider: str, headers: Mapping[str, str], body: bytes) -> None:
        raise self._error

    async def ready(self) -> bool:
        return False


async def ask(error: Exception, method: str, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(Broken(error)))
    async with httpx.AsyncClient(transport=transport, base_url="http://x.example.jp") as client:
        return await client.request(
            method,
            path,
            headers={
                "Authorization": "Bearer billing.example.jp",
                "Content-Type": "application/json",
            },
            json={
                "specversion": "1.0",
                "id": "1",
                "source": "billing.example.jp",
                "type": "member.left",
                "time": "2025-07-15T09:00:00Z",
                "data": {"member_no": "M1", "left_on": "2025-07-15"},
            },
        )


async def test_a_failure_keeps_its_text_to_itself() -> None:
    with capture_logs() as logs:
        response = await ask(RuntimeError("青柳 遥 haruka@example.jp"), "POST", "/v1/events")
    assert (response.status_code, response.json()["type"]) == (500, "urn:notifier:problem:internal")
    assert "haruka" not in response.text + str(logs)
    assert logs[-1]["kind"] == "RuntimeError"


@pytest.mark.parametrize("error", [Unavailable(), ConnectionRefusedError(), TimeoutError()])
async def test_a_house_that_is_away(error: Exception) -> None:
    response = await ask(error, "POST", "/v1/events")
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 503),
        ("PUT", "/v1/events", 405),
        ("POST", "/v2/events", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 200),
    ],
)
async def test_ways(method: str, path: str, status: int) -> None:
    response = await ask(RuntimeError(), method, path)
    assert response.status_code == status
    assert response.headers["x-content-type-options"] == "nosniff"
    if status >= 400:
        assert response.headers["content-type"] == "application/problem+json"
    if status == 405:
        assert response.headers["allow"] == "GET, POST"


async def test_a_house_that_is_well(client: httpx.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ja"),
        ("en", "en"),
        ("EN-us", "en"),
        ("ja,en;q=0.9", "ja"),
        ("en;q=0.9,ja;q=0.8", "en"),
        ("en,ja", "ja"),
        ("fr", "ja"),
        ("en;q=0", "ja"),
        ("en;q=x", "ja"),
        (",;,=", "ja"),
    ],
)
def test_the_language_of_an_answer(header: str, language: str) -> None:
    assert preferred(header) == language
