"""Whoever attacks the HTTP server: raw bytes in, what is answered out. Real sockets on loopback."""

import asyncio
import base64
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any, Final

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from notifier.api.app import create_app
from notifier.model.http import Http, client_of, counted_as
from notifier.returns.providers import read_settings
from notifier.runtime.http_server import Gate, HttpConfig, HttpServer
from notifier.runtime.parts import Parts
from notifier.runtime.services import HouseServices

_SIGNING = ec.generate_private_key(ec.SECP256R1()).public_key()
_SENDGRID: Final = base64.b64encode(
    _SIGNING.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
_TOPIC: Final = "arn:aws:sns:ap-northeast-1:000000000000:returns"
_MEGABYTE: Final = 1024 * 1024
_EVENTS: Final = b"POST /v1/events HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_KEYED: Final = _EVENTS + b"Authorization: Bearer KEY\r\n"
_GET: Final = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
_CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"
_CLOSED: Final = 0  # without a word


def _webhook(provider: str, *fields: bytes) -> bytes:
    head = f"POST /v1/webhooks/{provider} HTTP/1.1\r\nHost: x\r\n".encode()
    return b"".join([head, *(field + b"\r\n" for field in fields), b"\r\n"])


#: What is sent, and which status comes back.
CASES: Final[Mapping[str, tuple[bytes, int]]] = {
    # Connections that say little, or say it slowly.
    "nothing": (b"", _CLOSED),
    "line breaks": (b"\r\n\r\n", 408),
    "half a first line": (b"GET /heal", 408),
    "a head without an end": (_GET + b"X-More: ", 408),
    "an announced body that does not come": (_KEYED + b"Content-Length: 100\r\n\r\n{", 408),
    "a chunk that does not come": (_KEYED + _CHUNKED + b"\r\n64\r\n{", 408),
    # Heads.
    "a field of 17 KB": (_GET + b"X: " + b"a" * 17_000 + b"\r\n\r\n", 431),
    "a field of 3 MB": (_GET + b"X: " + b"a" * 3 * _MEGABYTE, 431),
    "a name of 20 KB": (_GET + b"a" * 20_000 + b": x\r\n\r\n", 431),
    "a hundred and one fields": (_GET + b"X: y\r\n" * 101 + b"\r\n", 431),
    "eight thousand fields": (_GET + b"X: y\r\n" * 8_000 + b"\r\n", 431),
    "a URL of 9 KB": (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a URL of 1 MB": (b"GET /" + b"a" * _MEGABYTE, 414),
    "a query of 9 KB": (b"GET /v1/deliveries?" + b"a=b&" * 2_300 + b" HTTP/1.1\r\n\r\n", 414),
    # No HTTP.
    "words": (b"HELLO THERE\r\n\r\n", 400),
    "zeros": (b"\0" * 100, 400),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + b"\xaa" * 200, 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "a version to come": (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
    "small letters": (b"get /healthz HTTP/1.1\r\n\r\n", 400),
    "SMTP": (b"EHLO x\r\n", 400),
    # Two readers could read it in two ways.
    "length and chunks": (_EVENTS + b"Content-Length: 4\r\n" + _CHUNKED + b"\r\n0\r\n\r\n", 400),
    "two lengths": (_EVENTS + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd", 400),
    "a length below nothing": (_EVENTS + b"Content-Length: -1\r\n\r\n", 400),
    "a length in words": (_EVENTS + b"Content-Length: 4,4\r\n\r\nabcd", 400),
    "a length beyond all": (_EVENTS + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n", 400),
    "coded and not in chunks": (_EVENTS + b"Transfer-Encoding: gzip\r\n\r\nabcd", 400),
    "a space before the colon": (_EVENTS + b"Content-Length : 4\r\n\r\nabcd", 400),
    "a folded field": (_GET + b"X: a\r\n  b\r\n\r\n", 400),
    "a zero in a field": (_GET + b"X: a\0b\r\n\r\n", 400),
    "a control in a name": (_GET + b"X\x01: a\r\n\r\n", 400),
    # Chunks.
    "a chunk without a size": (_KEYED + _CHUNKED + b"\r\nzz\r\n", 400),
    "a chunk beyond all": (_KEYED + _CHUNKED + b"\r\n" + b"f" * 40 + b"\r\n", 400),
    "an extension of 300 KB": (_KEYED + _CHUNKED + b"\r\n1;" + b"a" * 300_000, 431),
    "a trailer of 300 KB": (_KEYED + _CHUNKED + b"\r\n0\r\nX: " + b"a" * 300_000, 431),
    "a key in a trailer": (
        _EVENTS + _CHUNKED + b"\r\n2\r\n[]\r\n0\r\nAuthorization: Bearer KEY\r\n\r\n",
        401,
    ),
    # Bodies of nobody: answered before any of them is read.
    "4 MB without a key": (_EVENTS + b"Content-Length: 4194304\r\n\r\n", 401),
    "chunks without a key": (_EVENTS + _CHUNKED + b"\r\n100000\r\n" + b"a" * 200_000, 401),
    "an offer without a key": (
        _EVENTS + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n",
        401,
    ),
    "a key of somebody": (
        _EVENTS + b"Authorization: Bearer nk_x\r\nContent-Length: 9\r\n\r\n",
        401,
    ),
    "a wrong password": (
        _webhook("postmark", b"Authorization: Basic cG9zdG1hcms6eA==", b"Content-Length: 4194304"),
        401,
    ),
    "no signature": (_webhook("sendgrid", b"Content-Length: 4194304"), 403),
    "2 MB of nobody": (_webhook("ses", b"Content-Length: 2097152"), 413),
    "a provider of nobody": (_webhook("x", b"Content-Length: 4194304"), 404),
    # Bodies of a key.
    "5 MB": (_KEYED + b"Content-Length: 5242880\r\n\r\n", 413),
    "5 MB in chunks": (
        _KEYED + _CHUNKED + b"\r\n500000\r\n" + b" " * 5 * _MEGABYTE + b"\r\n0\r\n\r\n",
        413,
    ),
    "a million objects": (
        _KEYED + b"Content-Length: 3900001\r\n\r\n[" + b"{}," * 1_299_999 + b"{}]",
        422,
    ),
    "a million arrays": (
        _KEYED + b"Content-Length: 3900001\r\n\r\n[" + b"[]," * 1_299_999 + b"[]]",
        422,
    ),
    "four million numbers": (
        _KEYED + b"Content-Length: 4000001\r\n\r\n[" + b"1," * 1_999_999 + b"1]",
        422,
    ),
    # Ways that lead nowhere.
    "another host's": (b"CONNECT x.example.jp:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "all of it": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "an echo": (b"TRACE /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 405),
    "up above": (b"GET /..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "half a character": (b"GET /%ff%00%c3 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "another protocol": (_GET + b"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", 200),
    "too many at once": (_GET * 1 + b"\r\n" + (_GET + b"\r\n") * 40, _CLOSED),
}


class Served:
    """A server on loopback, and raw connections to it from any address of 127/8."""

    def __init__(self, port: int, key: str, gate: Gate) -> None:
        self.port, self.key, self.gate = port, key, gate

    @asynccontextmanager
    async def connected(
        self, address: str = "127.0.0.1"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.port, local_addr=(address, 0)
        )
        try:
            yield reader, writer
        finally:
            writer.close()

    async def emptied(self) -> None:
        """Wait until nobody is connected."""
        async with asyncio.timeout(20):
            while self.gate.open:  # noqa: ASYNC110 (the server is told by nobody, either)
                await asyncio.sleep(0.02)

    async def ask(self, raw: bytes, address: str = "127.0.0.1") -> tuple[int, bytes, Any]:
        """Status, head and document of the answer; 0 where the connection just ends."""
        async with self.connected(address) as (reader, writer):
            writer.write(raw.replace(b"Bearer KEY", f"Bearer {self.key}".encode()))
            return await answer(reader)


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes, Any]:
    """The next answer."""
    async with asyncio.timeout(30):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return _CLOSED, b"", None
        length = re.search(rb"content-length: (\d+)", head.lower())
        body = await reader.readexactly(int(length[1])) if length else b""
    return int(head[9:12]), head, orjson.loads(body) if body else None


@asynccontextmanager
async def serving(parts: Parts, key: str, **limits: Any) -> AsyncIterator[Served]:
    providers = read_settings(
        {
            "ses": {"topics": (_TOPIC,)},
            "sendgrid": {"keys": (_SENDGRID,)},
            "postmark": {"password": "open sesame open"},
        }
    )
    named = parts.settings.model_copy(update={"providers": providers})
    services = HouseServices(Parts(named, parts.urls, parts.engine, parts.supervisor))
    given = Http(**limits)
    gate = Gate(given)
    config = HttpConfig(create_app(services, given), gate)
    config.timeout_graceful_shutdown = 1
    server = HttpServer(config)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as sock:
        running = asyncio.create_task(server.serve([sock.dup()]))
        try:
            yield Served(sock.getsockname()[1], key, gate)
        finally:
            server.should_exit = True
            await running
            await services.close()


async def test_every_attack_is_answered_and_none_keeps_a_connection(parts: Parts, key: str) -> None:
    async with serving(parts, key, head_seconds=1, idle_seconds=1, body_gap_seconds=1) as one:
        asked = await asyncio.gather(
            *(one.ask(raw, f"127.0.1.{n}") for n, (raw, _) in enumerate(CASES.values(), 1))
        )
        told = dict(zip(CASES, asked, strict=True))
        assert {name: status for name, (status, _, _) in told.items()} == {
            name: status for name, (_, status) in CASES.items()
        }
        for status, head, document in told.values():
            if status >= 400:
                assert b"content-type: application/problem+json" in head.lower()
                assert document["status"] == status
        await one.emptied()
        assert (await one.ask(_GET + b"\r\n"))[0] == 200
    assert len(CASES) >= 35


async def test_idle_connections_keep_nobody_out(parts: Parts, key: str) -> None:
    limits = {"connections": 16, "connections_per_address": 6, "head_seconds": 2, "idle_seconds": 2}
    async with serving(parts, key, **limits) as one, AsyncExitStack() as stack:
        flood = [await stack.enter_async_context(one.connected("127.0.0.2")) for _ in range(20)]
        told = await asyncio.gather(*(answer(reader) for reader, _ in flood[6:]))
        assert [status for status, _, _ in told] == [429] * 14
        assert all(b"retry-after: 5" in head.lower() for _, head, _ in told)
        assert (await one.ask(_GET + b"\r\n", "127.0.0.3"))[0] == 200
        for n in range(10):  # from many addresses
            await stack.enter_async_context(one.connected(f"127.0.1.{n + 1}"))
        assert (await one.ask(_GET + b"\r\n", "127.0.0.4"))[0] == 503
        await one.emptied()
        assert (await one.ask(_GET + b"\r\n", "127.0.0.2"))[0] == 200


async def test_whoever_does_not_read_is_waited_for_only_for_a_while(parts: Parts, key: str) -> None:
    limits = {"write_seconds": 1, "head_seconds": 300, "idle_seconds": 300}
    loop = asyncio.get_running_loop()
    async with serving(parts, key, **limits) as one:
        with socket.socket() as silent:
            silent.setblocking(False)
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await loop.sock_connect(silent, ("127.0.0.1", one.port))
            asked = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
            with suppress(ConnectionError):
                async with asyncio.timeout(60):
                    while True:  # until it is given up
                        await loop.sock_sendall(silent, asked)
                        await asyncio.sleep(0.01)
            await one.emptied()
        assert (await one.ask(_GET + b"\r\n"))[0] == 200


async def test_a_connection_that_is_kept_waits_only_for_a_while(parts: Parts, key: str) -> None:
    async with serving(parts, key, head_seconds=1, idle_seconds=1) as one:
        async with one.connected() as (reader, writer):
            writer.write(_GET + b"\r\n")
            assert (await answer(reader))[0] == 200
            writer.write(b"\r\n")  # a line break is no request
            assert (await answer(reader))[0] == 408
        async with one.connected() as (reader, writer):
            writer.write((_GET + b"\r\n") * 5)
            assert [(await answer(reader))[0] for _ in range(5)] == [200] * 5
            assert await reader.read() == b""


async def test_bodies_of_nobody_hold_a_bounded_room(parts: Parts, key: str) -> None:
    head = _webhook(
        "sendgrid",
        b"X-Twilio-Email-Event-Webhook-Signature: eA==",
        b"X-Twilio-Email-Event-Webhook-Timestamp: 1",
        b"Content-Length: 1000000",
    )
    limits = {"unknown_body_megabytes": 2, "body_gap_seconds": 5}
    async with serving(parts, key, **limits) as one, AsyncExitStack() as stack:
        held = [
            await stack.enter_async_context(one.connected(f"127.0.0.{n + 2}")) for n in range(40)
        ]
        for _, writer in held:
            writer.write(head + b"x" * 900_000)
        told = await asyncio.gather(*(answer(reader) for reader, _ in held))
        assert sorted({status for status, _, _ in told}) == [408, 503]
        assert sum(status == 408 for status, _, _ in told) <= 2
        # What callers of ours send has room of its own, and that of the others is free again.
        event = _KEYED + b"Content-Length: 2\r\n\r\n[]"
        assert (await one.ask(event))[0] == 202
        assert (await one.ask(head + b"x" * 1_000_000))[0] == 403


#: A request whose body does not come; the key follows. The server asks for the body once the
#: request has been let in and counted.
_UNDER_WAY = (
    b"POST /v1/events HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    b"Content-Type: application/json\r\nContent-Length: 9\r\n"
)


async def test_requests_under_way_are_counted_by_address_and_key(parts: Parts, key: str) -> None:
    named = b"Authorization: Bearer " + key.encode() + b"\r\n\r\n"
    keyed = _UNDER_WAY + named
    limits = {"requests": 6, "requests_per_address": 3, "requests_per_key": 4}
    async with serving(parts, key, **limits) as one, AsyncExitStack() as stack:
        for _ in range(3):
            await under_way(one, stack, keyed, "127.0.0.2")
        status, head, document = await one.ask(_GET + b"\r\n", "127.0.0.2")
        assert (status, document["type"]) == (429, "urn:notifier:problem:too-many-requests")
        assert b"retry-after: 5" in head.lower()
        await under_way(one, stack, keyed, "127.0.0.3")
        probe = b"GET /v1/deliveries HTTP/1.1\r\nHost: x\r\n" + named
        assert (await one.ask(probe, "127.0.0.3"))[0] == 429  # the key's fifth
        assert (await one.ask(_GET + b"\r\n", "127.0.0.3"))[0] == 200


async def under_way(one: Served, stack: AsyncExitStack, raw: bytes, address: str) -> None:
    """Send a request whose body does not come, and wait until it is counted."""
    reader, writer = await stack.enter_async_context(one.connected(address))
    writer.write(raw)
    async with asyncio.timeout(30):
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"


async def test_only_a_proxy_of_ours_names_the_caller(parts: Parts, key: str) -> None:
    keyed = _UNDER_WAY + b"Authorization: Bearer " + key.encode() + b"\r\n"
    named = b"X-Forwarded-For: 203.0.113.7\r\n\r\n"
    limits = {"requests_per_address": 2, "connections_per_address": 3, "proxies": ("127.0.0.9/32",)}
    async with serving(parts, key, **limits) as one, AsyncExitStack() as stack:
        for _ in range(2):
            await under_way(one, stack, keyed + named, "127.0.0.9")
        assert (await one.ask(_GET + named, "127.0.0.9"))[0] == 429
        other = b"X-Forwarded-For: 203.0.113.7, 203.0.113.8\r\n\r\n"
        assert (await one.ask(_GET + other, "127.0.0.9"))[0] == 200
        assert (await one.ask(_GET + named, "127.0.0.5"))[0] == 200  # believed by nobody


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.1", "", "198.51.100.1"),
        ("198.51.100.1", "203.0.113.7", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7:4711", "10.0.0.1"),
        ("10.0.0.1", ", ,", "10.0.0.1"),
        ("10.0.0.1", "[2001:db8::7]", "2001:db8::7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("", "203.0.113.7", ""),
    ],
)
def test_whose_request_it_is(peer: str, forwarded: str, client: str) -> None:
    given = Http.model_validate({"proxies": ["10.0.0.0/8", "fd00::/8"]})
    assert client_of(peer, forwarded, given) == client


def test_a_site_of_ipv6_is_one_address() -> None:
    assert counted_as("2001:db8:0:1:2::3") == counted_as("2001:db8:0:1::4") == "2001:db8:0:1::/64"
    assert counted_as("::ffff:192.0.2.1") == counted_as("192.0.2.1") == "192.0.2.1"
    assert counted_as("") == ""
