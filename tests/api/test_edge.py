"""What every request meets: its id, no trailers, no redirects, methods and media types named."""

import json

import httpx
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from tests.api.test_events import BATCH, SINGLE, codes, post, problem_of, submitted
from tests.api.wire import Wire


async def test_a_request_keeps_its_id_or_gets_one(client: httpx.AsyncClient) -> None:
    given = await client.get("/healthz", headers={"X-Request-Id": "job-7.retry_2"})
    assert given.headers["x-request-id"] == "job-7.retry_2"
    for wrong in ("", "a b", "a" * 65, "-x", "ä", "x\ty", "a;b", '"x"'):
        made = await client.get("/healthz", headers=[(b"X-Request-Id", wrong.encode("latin-1"))])
        assert len(made.headers["x-request-id"]) == 32
    twice = await client.get("/healthz", headers=[("X-Request-Id", "a"), ("X-Request-Id", "b")])
    assert len(twice.headers["x-request-id"]) == 32


async def test_errors_and_log_lines_say_the_id(client: httpx.AsyncClient) -> None:
    for path, headers in (
        ("/v1/nothing", {}),
        ("/v1/deliveries?limit=0", {}),
        ("/v1/deliveries", {"Authorization": "Bearer x"}),
    ):
        answer = await client.get(path, headers={"X-Request-Id": "abc", **headers})
        assert answer.json()["request_id"] == answer.headers["x-request-id"] == "abc"
    with capture_logs(processors=[merge_contextvars]) as logs:
        await post(client, submitted(), X_Request_Id="abc")
        await post(client, submitted())
    assert logs[0]["request_id"] == "abc"
    assert logs[1]["request_id"] not in (None, "abc")


async def test_a_trailer_does_not_authenticate(wire: Wire) -> None:
    head = wire.head(
        "POST",
        "/v1/events",
        f"Content-Type: {SINGLE}",
        "Transfer-Encoding: chunked",
        "Trailer: Authorization",
        key=False,
    )
    body = json.dumps(submitted()).encode()
    chunk = b"%x\r\n%s\r\n0\r\n" % (len(body), body)
    trailer = f"Authorization: Bearer {wire.key}\r\n\r\n".encode()
    assert (await wire.ask(head + chunk + trailer)).status == 401
    proven = head.replace(b"Trailer: Authorization", b"Authorization: Bearer " + wire.key.encode())
    assert (await wire.ask(proven + chunk + trailer)).status == 202


@pytest.mark.parametrize("path", ["/v1/events/", "/healthz/", "/v1/deliveries/", "/openapi.json/"])
async def test_nobody_is_sent_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    for method in ("GET", "POST"):
        answer = await client.request(method, path, headers={"Host": "evil.example.jp"})
        problem_of(answer, 404)
        assert "evil" not in answer.text + str(answer.headers)


async def test_the_media_types_that_are_read_are_named(client: httpx.AsyncClient) -> None:
    answer = await post(client, submitted(), kind="text/xml")
    body = problem_of(answer, 415)
    assert codes(body) == [(None, "content-type", "accepted_types")]
    for kind in (SINGLE, BATCH, "application/json"):
        assert kind in answer.headers["accept-post"]
        assert kind in body["detail"]
    body = problem_of(await post(client, submitted(), kind=f"{SINGLE}; charset=shift_jis"), 415)
    assert "charset=utf-8" in body["detail"]
    packed = await post(client, submitted(), Content_Encoding="gzip")
    assert codes(problem_of(packed, 415)) == [(None, "content-encoding", "accepted_types")]
    assert packed.headers["accept-encoding"] == "identity"
