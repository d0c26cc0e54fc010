"""What integrators (and others) send that they should not: request → status, code, field.

As bytes on the wire, since clients put right much of it before it leaves. No answer is other than
a problem document with its id, quotes what was sent as a header or an address, or leaves a trace
on record.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from notifier.runtime.parts import Parts
from notifier.store.db import scalar
from tests.api.test_events import submitted
from tests.api.wire import Answer, Wire
from tests.samples import SOURCE

CE = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"
EVENT = submitted(id="hostile")
BODY = json.dumps(EVENT).encode()
DATA = json.dumps(EVENT["data"]).encode()
OURS = f"/v1/events?source={SOURCE}&id="


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and the answer that it deserves."""

    target: str
    status: int
    code: str | None = None  # of the first error, or of the problem itself
    field: str | None = None
    method: str = "GET"
    headers: tuple[str, ...] = ()
    body: bytes | None = None
    key: bool = True


def events(
    status: int,
    code: str | None = None,
    field: str | None = None,
    *headers: str,
    body: bytes = BODY,
    key: bool = True,
) -> Case:
    """A case of POST /v1/events."""
    return Case("/v1/events", status, code, field, "POST", headers, body, key)


def typed(status: int, code: str, field: str, kind: str, body: bytes = BODY, *more: str) -> Case:
    """The same with a content type."""
    return events(status, code, field, f"Content-Type: {kind}", *more, body=body)


def changed(**fields: Any) -> bytes:
    """The event with other fields."""
    return json.dumps({**EVENT, **fields}).encode()


def binary(status: int, code: str, field: str, *headers: str) -> Case:
    """A case of the binary mode."""
    given = {h.partition(":")[0].lower() for h in headers}
    usual = {n: EVENT[n] for n in ("specversion", "id", "source", "type", "time")}
    rest = [f"ce-{n}: {v}" for n, v in usual.items() if f"ce-{n}" not in given]
    return typed(status, code, field, JSON, DATA, *rest, *headers)


AUTHORIZATION = {
    "no key": events(401, "unauthorized", None, f"Content-Type: {CE}", key=False),
    **{
        f"{text!r} for a key": events(
            401, "unauthorized", None, f"Content-Type: {CE}", f"Authorization: {text}", key=False
        )
        for text in (
            "",
            "Bearer",
            "Bearer  ",
            "Bearer nk_",
            "Bearer nk_abcdefghijkl_" + "A" * 43,
            "Bearer nk_abcdefghijkl_" + "A" * 42 + "é",
            "Basic bmtfOng=",
            "bearer\tx",
            "Token x",
            "Bearer x, Bearer y",
            "Bearer " + "x" * 4000,
            "Bearer ' OR 1=1 --",
        )
    },
    "two Authorization headers": Case(
        "/v1/deliveries", 401, "unauthorized", headers=("Authorization: Bearer x",)
    ),
    "a key in the query": Case("/v1/deliveries?api_key=x&access_token=y", 401, key=False),
}
MEDIA_TYPES = {
    "no content type": events(415, "accepted_types", "content-type"),
    "a form": typed(415, "accepted_types", "content-type", "application/x-www-form-urlencoded"),
    "a content type that is none": typed(415, "accepted_types", "content-type", ";;;=,"),
    "a charset that is not UTF-8": typed(
        415, "accepted_types", "content-type", f'{CE}; charset="Shift_JIS"'
    ),
    "a charset that hides": typed(
        415, "accepted_types", "content-type", f"{CE}; charset*=utf-8''utf-16"
    ),
    "two content types": typed(
        415, "accepted_types", "content-type", CE, BODY, "Content-Type: text/plain"
    ),
    "gzip": typed(415, "accepted_types", "content-encoding", CE, BODY, "Content-Encoding: gzip"),
    "two codings": typed(
        415, "accepted_types", "content-encoding", CE, BODY,
        "Content-Encoding: identity", "Content-Encoding: br",
    ),
}  # fmt: skip
BODIES = {
    "nothing": typed(422, "empty", "body", CE, b""),
    "white space": typed(422, "empty", "body", CE, b" \r\n\t"),
    "no JSON": typed(422, "not_json", "body", CE, b"{'id': 1}"),
    "NaN": typed(422, "not_json", "body", CE, b'{"id": NaN}'),
    "another encoding": typed(422, "not_utf8", "body", CE, '{"id": "請求"}'.encode("cp932")),
    "UTF-16": typed(422, "not_utf8", "body", CE, '{"id": "a"}'.encode("utf-16")),
    "a field twice": typed(422, "duplicate_key", "body", CE, b'{"id": "a", "id": "b"}'),
    "a deep array": typed(422, "too_deep", "body", CE, b"[" * 100 + b"]" * 100),
    "a deeper one": typed(422, "too_deep", "body", CE, b"[" * 50_000 + b"]" * 50_000),
    "too many brackets": typed(422, "too_many_parts", "body", CE, b"[" * 100_001),
    "a batch as one": typed(422, "wrong_type", "body", CE, b"[]"),
    "one as a batch": typed(422, "wrong_type", "body", BATCH, BODY),
    "a number": typed(422, "wrong_type", "body", JSON, b"7"),
    "null": typed(422, "wrong_type", "body", JSON, b"null"),
    "too many": typed(422, "too_many", "body", BATCH, b"[" + b"{}," * 1000 + b"{}]"),
    "binary data": typed(422, "unknown_field", "data_base64", CE, changed(data_base64="eA==")),
    "NUL in the id": typed(422, "control_character", "id", CE, changed(id="a\0b")),
    "a direction override in the id": typed(
        422, "control_character", "id", CE, changed(id="a\u202eb")
    ),
    "half a character": typed(422, "not_json", "body", CE, BODY.replace(b"hostile", b"\\ud800")),
    "a long id": typed(422, "too_long", "id", CE, changed(id="x" * 256)),
    "an amount as text": typed(
        422, "wrong_type", "data.amounts.total", CE,
        changed(data={**EVENT["data"], "amounts": {**EVENT["data"]["amounts"], "total": "3230"}}),
    ),
    "a member that nobody knows": typed(
        422, "unknown_member", "data.member_no", CE,
        changed(data={**EVENT["data"], "member_no": "M9999"}),
    ),
    "another source": typed(403, "source_mismatch", "source", CE, changed(source="other")),
}  # fmt: skip
BINARY = {
    "an attribute twice": binary(422, "given_twice", "id", "ce-id: a", "ce-id: b"),
    "the data as a header": binary(422, "unknown_field", "data", "ce-data: {}"),
    "an id that is no UTF-8": binary(422, "not_utf8", "id", "ce-id: %ff%fe"),
    "NUL": binary(422, "control_character", "id", "ce-id: a%00b"),
    "a newline": binary(422, "control_character", "id", "ce-id: a%0d%0aSet-Cookie: x"),
    "no id": binary(422, "too_short", "id", "ce-id:"),
    "a version that we do not know": binary(
        422, "not_allowed", "specversion", "ce-specversion: 0.3"
    ),
    "a strange attribute": binary(422, "unknown_field", "my-name", "ce-my-name: x"),
    "another source": binary(403, "source_mismatch", "source", "ce-source: other.example.jp"),
}
PATHS = {
    **{
        f"{method} {path}": Case(path, 405, "method_not_allowed", method=method)
        for method, path in (
            ("PUT", "/v1/events"),
            ("DELETE", f"/v1/events/{SOURCE}/a"),
            ("POST", "/v1/deliveries"),
            ("PATCH", "/v1/decisions"),
            ("OPTIONS", "/v1/events"),
            ("GET", "/v1/webhooks/ses"),
            ("TRACE", "/healthz"),
        )
    },
    **{
        f"GET {path}": Case(path, 404, "not_found")
        for path in (
            "/",
            "/v1",
            "/v1/",
            "/v1/events/",
            "/V1/events",
            "/v1//events",
            "/v1/event",
            "/docs",
            "/.env",
            "/v1/events/a",
            f"/v1/events/{SOURCE}/",
            f"/v1/events/{SOURCE}/a/b",
            f"/v1/events/{SOURCE}/../../healthz",
            f"/v1/events/{SOURCE}/..%2f..%2fhealthz",
            "/v1/events/../../../etc/passwd",
            f"/v1/events/{SOURCE}/a%00b",
            f"/v1/events/{SOURCE}/%ff%fe",
            f"/v1/events/{SOURCE}/%e8%ab%8b%e6%b1%82",
            f"/v1/events/{SOURCE}/" + "x" * 2000,
            f"/v1/events/{SOURCE}/%",
            f"/v1/events/{SOURCE}/a%0d%0aSet-Cookie:x",
            "/v1/events/other.example.jp/hostile",
        )
    },
    "a provider that nobody named": Case(
        "/v1/webhooks/ses", 404, "not_found", method="POST", body=b"{}", key=False
    ),
    "a provider that there is not": Case(
        "/v1/webhooks/..%2fevents", 404, "not_found", method="POST", body=b"{}"
    ),
}
QUESTIONS = {
    "no id": Case(f"/v1/events?source={SOURCE}", 422, "missing", "id"),
    "an empty id": Case(OURS, 422, "too_short", "id"),
    "NUL": Case(f"{OURS}a%00", 422, "control_character", "id"),
    "no UTF-8": Case(f"{OURS}%ff", 404, "not_found"),
    "a lone surrogate": Case(f"{OURS}%ed%a0%80", 404, "not_found"),
    "an id twice": Case(f"{OURS}a&id=b", 422, "given_twice", "id"),
    "an unknown parameter": Case(f"{OURS}a&expand=all", 422, "unknown_field", "expand"),
    "SQL": Case(f"{OURS}a'%20OR%20'1'='1", 404, "not_found"),
    "a cursor of the other feed": Case(
        "/v1/decisions?after=1", 422, "unknown_position", "after"
    ),
    "the same the other way round": Case(
        "/v1/deliveries?after=d1", 422, "unknown_position", "after"
    ),
    "a forged cursor": Case("/v1/decisions?after=d999999", 410, "unknown_position", "after"),
    "a cursor beyond all": Case(
        f"/v1/decisions?after=d{'9' * 30}", 422, "unknown_position", "after"
    ),
    "other digits": Case(
        "/v1/deliveries?after=%EF%BC%91", 422, "unknown_position", "after"
    ),
    "a negative cursor": Case("/v1/deliveries?after=-1", 422, "unknown_position", "after"),
    "two cursors": Case("/v1/deliveries?after=0&after=1", 422, "given_twice", "after"),
    "nothing of a page": Case("/v1/deliveries?limit=0", 422, "not_allowed", "limit"),
    "too much of a page": Case("/v1/decisions?limit=1001", 422, "not_allowed", "limit"),
    "half a page": Case("/v1/decisions?limit=1.5", 422, "not_allowed", "limit"),
    "a long wait": Case("/v1/decisions?wait=3600", 422, "not_allowed", "wait"),
    "a state that is not told": Case("/v1/deliveries?state=sending", 422, "not_allowed", "state"),
}  # fmt: skip
LANGUAGES = {
    text: Case("/v1/nothing", 404, "not_found", headers=(f"Accept-Language: {text}",))
    for text in ("*", ";;q=", "en;q=nan", "en;q=1e999", "x" * 6000, "\xe9", "en" + ",en" * 900)
}
NO_HTTP = {
    repr(raw[:40]): raw
    for raw in (
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nAccept-Language: ja\x7f\r\n\r\n",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nContent-Length: -1\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/events HTTP/1.1\r\nContent-Length : 2\r\n\r\n{}",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
    )
}
TABLES = {
    "authorization": AUTHORIZATION,
    "media types": MEDIA_TYPES,
    "bodies": BODIES,
    "binary": BINARY,
    "paths": PATHS,
    "questions": QUESTIONS,
    "languages": LANGUAGES,
}


async def ask(wire: Wire, case: Case) -> Answer:
    if case.body is None:
        return await wire.get(case.target, *case.headers, method=case.method, key=case.key)
    return await wire.post(case.target, case.body, *case.headers, key=case.key)


def told(answer: Answer) -> tuple[int, str | None, str | None]:
    """Status, code and field of an answer."""
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status
    assert body["request_id"] == answer.headers["x-request-id"]
    if "errors" in body:
        return answer.status, body["errors"][0]["code"], body["errors"][0]["field"]
    return answer.status, body["type"].rpartition(":")[2].replace("-", "_"), None


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
async def test_hostile_requests(wire: Wire, parts: Parts, table: dict[str, Case]) -> None:
    wrong = {}
    for name, case in table.items():
        answer = await ask(wire, case)
        expected = (case.status, case.code or told(answer)[1], case.field)
        if told(answer) != expected:
            wrong[name] = (told(answer), expected)
        text = str(answer.headers) + answer.body.decode()
        assert "evil" not in text, name
        assert "set-cookie" not in answer.headers, name
        assert "Traceback" not in text, name
        assert "{" not in answer.json()["title"], name
        assert ("allow" in answer.headers) == (answer.status == 405), name
        assert ("www-authenticate" in answer.headers) == (answer.status == 401), name
    assert wrong == {}
    async with parts.engine.connect() as conn:
        assert await scalar(conn, "SELECT count(*) FROM events") == 0


async def test_what_is_no_http(wire: Wire) -> None:
    answers = {name: await wire.ask(raw) for name, raw in NO_HTTP.items()}
    told_ = {name: told(answer) for name, answer in answers.items()}
    assert told_ == dict.fromkeys(NO_HTTP, (400, "bad_request", None))


def test_the_table_is_long_enough() -> None:
    assert sum(map(len, TABLES.values())) >= 90
