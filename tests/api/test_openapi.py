"""The OpenAPI document is lawful, complete, and what the program really answers."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from notifier.api.app import create_app
from notifier.api.openapi import document as written
from notifier.app.api_keys import new_key
from notifier.intake.envelope import MAX_BODY, parse_event
from notifier.intake.schemas import event_schema
from notifier.rules.rules import TYPES
from notifier.runtime.parts import Parts
from notifier.store import keys
from tests.api.conftest import ACTOR
from tests.api.json_schema import faults, resolve
from tests.api.test_app import ask
from tests.api.test_deliveries import failed
from tests.api.test_events import BATCH, post, submitted
from tests.api.test_outcomes import later
from tests.samples import NOW, SOURCE

DOCUMENT: Any = json.loads(written())
OPERATIONS = [
    (path, method, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]


def everywhere(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the document."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from everywhere(one)
    elif isinstance(value, list):
        for one in value:
            yield from everywhere(one)


def contents() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every media type of every body and answer, with its place."""
    for path, method, operation in OPERATIONS:
        bodies = operation.get("requestBody", {}).get("content", {})
        yield from ((f"{method} {path} {kind}", one) for kind, one in bodies.items())
        for status, answer in operation["responses"].items():
            found = resolve(DOCUMENT, answer["$ref"]) if "$ref" in answer else answer
            for kind, one in found.get("content", {}).items():
                yield f"{method} {path} {status} {kind}", one


def test_every_reference_leads_somewhere() -> None:
    used = {one["$ref"] for one in everywhere(DOCUMENT) if isinstance(one.get("$ref"), str)}
    for reference in used:
        resolve(DOCUMENT, reference)
    for kind, group in DOCUMENT["components"].items():
        if kind != "securitySchemes":
            named = {f"#/components/{kind}/{name}" for name in group}
            spare = {f"#/components/responses/{n}" for n in ("MethodNotAllowed", "BadRequest")}
            spare.add("#/components/headers/Allow")
            assert named - used <= spare, kind


def test_every_operation_says_all_that_it_must() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    for path, _, operation in OPERATIONS:
        assert operation["summary"]
        assert set(re.findall(r"{(\w+)}", path)) == {
            p["name"] for p in operation["parameters"] if p.get("in") == "path"
        }
        for status, answer in operation["responses"].items():
            found = resolve(DOCUMENT, answer["$ref"]) if "$ref" in answer else answer
            assert found["description"]
            assert "X-Request-Id" in found["headers"]
            if int(status) >= 400:
                assert set(found["content"]) == {"application/problem+json"}
        for scheme in operation.get("security", ()):
            assert set(scheme) <= set(DOCUMENT["components"]["securitySchemes"])


def test_every_body_has_examples_that_match_its_schema() -> None:
    for place, content in contents():
        if "openapi.json" in place and "200" in place:
            continue
        examples = [one["value"] for one in content.get("examples", {}).values()]
        examples += [content["example"]] if "example" in content else []
        assert examples, place
        for one in examples:
            assert faults(DOCUMENT, content["schema"], one, place) == []


def test_examples_of_events_are_lawful_and_of_every_type() -> None:
    content = DOCUMENT["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    examples = [e["value"] for e in content["application/cloudevents+json"]["examples"].values()]
    assert {parse_event(json.dumps(e).encode()).type for e in examples} == set(TYPES)


def test_schemas_of_events_are_the_published_ones() -> None:
    def plain(value: Any) -> Any:
        text = json.dumps(value).replace("#/components/schemas/", "#/$defs/")
        return {k: v for k, v in json.loads(text).items() if k not in ("$schema", "$id", "$defs")}

    for kind in TYPES:
        found = DOCUMENT["components"]["schemas"][f"{kind}.v1"]
        assert plain(found) == plain(event_schema(kind, 1))


def test_the_checker_finds_faults() -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    lawful = {
        "type": "urn:notifier:problem:x",
        "title": "x",
        "status": 400,
        "request_id": "a",
    }
    assert faults(DOCUMENT, problem, lawful) == []
    wrongs: list[dict[str, Any]] = [
        {"status": "400"},
        {"status": 200},
        {"type": "x"},
        {"extra": 1},
        {"errors": []},
        {"errors": [{"field": "a"}]},
        {"request_id": "a b"},
    ]
    for wrong in wrongs:
        assert faults(DOCUMENT, problem, lawful | wrong)
    assert faults(DOCUMENT, problem, {})


def held_against(answer: httpx.Response, path: str, method: str = "get") -> None:
    """The answer is documented, in status, headers and every field."""
    documented = DOCUMENT["paths"][path][method]["responses"].get(str(answer.status_code))
    assert documented, f"{method} {path} {answer.status_code}: not documented"
    found = resolve(DOCUMENT, documented["$ref"]) if "$ref" in documented else documented
    for name in found["headers"]:
        assert name.lower() in answer.headers, f"{path} {answer.status_code}: {name}"
    if "content" not in found:
        assert answer.content == b""
        return
    kind = answer.headers["content-type"].partition(";")[0]
    assert faults(DOCUMENT, found["content"][kind]["schema"], answer.json(), path) == []


NOBODY = {"Authorization": "Bearer x"}


async def test_answers_to_events_are_as_documented(
    client: httpx.AsyncClient, tester: httpx.AsyncClient
) -> None:
    taken = [submitted("M0003", id="c"), failed("M0001", id="held")]
    for status, answer in (
        (202, await post(client, taken, kind=BATCH)),
        (202, await post(client, [], kind=BATCH)),
        (202, await post(tester, later("M0004", id="t"))),
        (401, await post(client, submitted(), **NOBODY)),
        (403, await post(client, submitted() | {"source": "other"})),
        (409, await post(client, submitted(id="c", fee=400))),
        (413, await post(client, b" " * (MAX_BODY + 1))),
        (415, await post(client, submitted(), kind="text/plain")),
        (422, await post(client, [submitted(), {"id": 1}], kind=BATCH)),
        (422, await post(client, b"{")),
    ):
        assert answer.status_code == status
        held_against(answer, "/v1/events", "post")


async def test_outcomes_are_as_documented(
    client: httpx.AsyncClient, tester: httpx.AsyncClient
) -> None:
    odd = later("M0003", id="odd")
    odd["data"]["codes"] = ["ZZZ99"]
    taken = [failed("M0001", id="held"), later("M0002", id="sent"), submitted("M0003", id="c"), odd]
    await post(client, taken, kind=BATCH)
    await post(tester, later("M0004", id="t"))
    for who, name, status in (
        *((client, name, 200) for name in ("held", "sent", "c", "odd")),
        (tester, "t", 200),
        (client, "never", 404),
        (client, "x\0", 422),
    ):
        answer = await who.get("/v1/events", params={"source": SOURCE, "id": name})
        assert answer.status_code == status
        held_against(answer, "/v1/events")
    held_against(await client.get("/v1/events", headers=NOBODY), "/v1/events")
    for path in (f"/v1/events/{SOURCE}/held", "/v1/events/a/b"):
        held_against(await client.get(path), "/v1/events/{source}/{id}")


async def test_feeds_and_the_rest_are_as_documented(
    client: httpx.AsyncClient, tester: httpx.AsyncClient
) -> None:
    await post(client, [failed("M0001"), later("M0002")], kind=BATCH)
    for name, far in (("deliveries", "999999"), ("decisions", "d999999")):
        path = f"/v1/{name}"
        page = await client.get(path)
        assert page.json()[name]
        for answer in (
            page,
            await client.get(path, params={"after": far}),
            await client.get(path, params={"limit": "0"}),
            await client.get(path, headers=NOBODY),
            await tester.get(path),
        ):
            held_against(answer, path)
    for path in ("/healthz", "/readyz"):
        held_against(await client.get(path), path)
    held_against(await client.post("/v1/webhooks/ses"), "/v1/webhooks/{provider}", "post")
    assert (await client.get("/openapi.json")).json() == DOCUMENT


@pytest.mark.parametrize("error", [RuntimeError(), OSError()])
async def test_failures_are_as_documented(error: Exception) -> None:
    held_against(await ask(error, "POST", "/v1/events"), "/v1/events", "post")
    held_against(await ask(error, "GET", "/v1/deliveries"), "/v1/deliveries")
    held_against(await ask(error, "GET", "/v1/decisions"), "/v1/decisions")
    path = "/v1/events?source=billing.example.jp&id=a"
    held_against(await ask(error, "GET", path), "/v1/events")
    held_against(await ask(error, "GET", "/readyz"), "/readyz")


async def test_every_route_is_documented(client: httpx.AsyncClient) -> None:
    """Each path answers the documented methods, and says 405 with just those to any other."""
    for path, methods in DOCUMENT["paths"].items():
        answer = await client.request("DELETE", re.sub(r"{\w+}", "x", path))
        assert answer.status_code == 405
        assert answer.headers["allow"] == ", ".join(sorted(m.upper() for m in methods))
        schema = {"$ref": "#/components/schemas/Problem"}
        assert faults(DOCUMENT, schema, answer.json()) == []
    told = {route["path"] for route in routes()}
    assert {re.sub(r":\w+", "", p) for p in told} == {
        p.replace("{source}/{id}", "{key}") for p in DOCUMENT["paths"]
    }


def routes() -> list[dict[str, str]]:
    """The routes of the sources, as they are declared."""
    folder = Path(create_app.__code__.co_filename).parent
    found = []
    for file in folder.glob("*.py"):
        text = file.read_text("utf-8")
        prefix = re.search(r'APIRouter\(prefix="([^"]+)"\)', text)
        for method, path in re.findall(r'@router\.(\w+)\("([^"]+)"', text):
            found.append({"path": (prefix[1] if prefix else "") + path, "method": method})
    return found


async def test_a_key_of_another_source_is_as_documented(
    client: httpx.AsyncClient, parts: Parts
) -> None:
    await post(client, submitted(id="a"))
    key_id, secret, hashed = new_key()
    async with parts.engine.begin() as conn:
        await keys.add(conn, key_id, "other.example.jp", hashed, actor=ACTOR, now=NOW)
    other = {"Authorization": f"Bearer {secret}"}
    answer = await client.get("/v1/events", params={"source": SOURCE, "id": "a"}, headers=other)
    assert answer.status_code == 404
    held_against(answer, "/v1/events")
