"""Whom we call, and what we bear from them."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from notifier.demo.certificate import server_context
from notifier.model.webhook import CallOutcome
from notifier.model.webhook import Outside as Rules
from notifier.webhooks.outside import Outside, Unreachable, url_problem
from tests.webhooks.receiver import OK, receiving, status

LOOPBACK = (ip_network("127.0.0.0/8"),)


@asynccontextmanager
async def outside(*, resolve: Any = None, **rules: Any) -> AsyncIterator[Outside]:
    given = Rules(**{"allow": LOOPBACK, "plain_http": True, "timeout": 5, **rules})
    made = Outside(given, **({"resolve": resolve} if resolve else {}))
    try:
        yield made
    finally:
        await made.close()


async def _failure(calls: Outside, url: str) -> CallOutcome:
    with pytest.raises(Unreachable) as told:
        await calls.call("POST", url, {}, b"{}")
    return told.value.outcome


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
        "fec0::1", "192.0.0.192", "192.88.99.1", "168.63.129.16", "::ffff:168.63.129.16",
        "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1:2::", "2001:db8::1", "nonsense", "",
    ],
)  # fmt: skip
def test_addresses_that_are_not_called(address: str) -> None:
    assert not Rules().permits(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses_are_called(address: str) -> None:
    assert Rules().permits(address)


def test_ours_are_called_where_they_are_allowed() -> None:
    rules = Rules(allow=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
    assert rules.permits("10.1.2.3")
    assert rules.permits("::ffff:10.1.2.3")
    assert rules.permits("fd00::1")
    assert not rules.permits("127.0.0.1")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://hooks.example.jp/a?b=c", None),
        ("https://hooks.example.jp:8443/", None),
        ("https://1.1.1.1/", None),
        ("http://hooks.example.jp/", "https_required"),
        ("ftp://hooks.example.jp/", "bad_url"),
        ("https:///path", "bad_url"),
        ("https://user:secret@hooks.example.jp/", "bad_url"),
        ("https://hooks.example.jp/#part", "bad_url"),
        ("https://hooks.example.jp/a b", "bad_url"),
        ("https://hooks.example.jp/\r\nX: y", "bad_url"),
        ("https://hooks.example.jp\\@evil.example.com/", "bad_url"),
        ("https://日本.example.jp/", "bad_url"),
        ("https://hooks.example.jp:99999/", "bad_url"),
        ("https://[::1/", "bad_url"),
        ("https://127.0.0.1/", "address_not_allowed"),
        ("https://[::1]:8443/", "address_not_allowed"),
        ("https://[::ffff:10.0.0.1]/", "address_not_allowed"),
        ("https://2130706433/", "address_not_allowed"),
        ("https://hooks.example.jp/" + "a" * 2000, "bad_url"),
    ],
)
def test_urls(url: str, code: str | None) -> None:
    assert url_problem(url, Rules()) == code


async def test_a_name_that_leads_inside_is_not_connected_to() -> None:
    async with receiving() as receiver, outside(allow=()) as calls:
        for host in ("localhost", "127.1", "0x7f000001"):
            url = f"http://{host}:{receiver.port}/"
            assert await _failure(calls, url) is CallOutcome.ADDRESS_NOT_ALLOWED
        assert receiver.got == []


async def test_what_a_name_leads_to_is_checked_each_time() -> None:
    """A name that leads elsewhere a moment later: the check is on what is connected to."""
    answers = [["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1", "127.0.0.1"]]

    async def resolve(host: str, port: int) -> list[str]:
        assert host == "hooks.example.jp"
        return answers.pop(0)

    async with receiving() as receiver, outside(resolve=resolve) as calls:
        url = f"http://hooks.example.jp:{receiver.port}/in"
        assert (await calls.call("POST", url, {}, b"1")).status == 204
        assert await _failure(calls, url) is CallOutcome.ADDRESS_NOT_ALLOWED
        assert (await calls.call("POST", url, {}, b"3")).status == 204
        assert [g.body for g in receiver.got] == [b"1", b"3"]
        assert {g.headers["host"] for g in receiver.got} == {f"hooks.example.jp:{receiver.port}"}


async def test_an_address_that_swallows_all_is_not_waited_for_to_the_end() -> None:
    """A name with two addresses, of which one is dead: the other one gets the call."""

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]

    async with receiving() as receiver, outside(resolve=resolve, timeout=3) as calls:
        with swallowing("127.0.0.2", receiver.port):
            url = f"http://hooks.example.jp:{receiver.port}/"
            assert (await calls.call("POST", url, {}, b"")).status == 204


@contextmanager
def swallowing(host: str, port: int) -> Iterator[None]:
    """A place whose queue is full: whoever connects hears nothing."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind((host, port))
        server.listen(0)
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex((host, port))
        yield


async def test_names_that_nobody_answers_for_hold_up_no_others() -> None:
    """The threads that all of a process share may all be taken by them."""
    loop, over = asyncio.get_running_loop(), threading.Event()
    waiting = [loop.run_in_executor(None, over.wait) for _ in range(64)]
    async with receiving() as receiver, outside() as calls:
        try:
            url = f"http://localhost:{receiver.port}/"
            assert (await calls.call("POST", url, {}, b"")).status == 204
        finally:
            over.set()
            await asyncio.gather(*waiting)


@pytest.mark.parametrize("target", ["/in;token=a/b;c?d=;e&f", "/?a", "/%2e%2e/a;"])
async def test_a_path_is_called_as_it_was_given(target: str) -> None:
    async with receiving() as receiver, outside() as calls:
        await calls.call("POST", f"http://127.0.0.1:{receiver.port}{target}", {}, b"")
        assert receiver.got[0].path == target


async def test_an_address_of_ipv6_as_a_host() -> None:
    async with receiving(host="::1") as receiver, outside(allow=[ip_network("::1")]) as calls:
        await calls.call("POST", f"http://[::1]:{receiver.port}/", {}, b"")
        assert receiver.got[0].headers["host"] == f"[::1]:{receiver.port}"


async def test_redirects_are_answers() -> None:
    async with receiving() as receiver, outside() as calls:
        receiver.answers = [status(307, f"Location: http://127.0.0.1:{receiver.port}/inner")]
        answer = await calls.call("POST", f"http://127.0.0.1:{receiver.port}/", {}, b"")
        assert answer.status == 307
        assert len(receiver.got) == 1


async def test_only_the_beginning_of_an_answer_is_read() -> None:
    async with receiving() as receiver, outside() as calls:
        receiver.usual = status(200, body=b"x" * 10_000_000)
        answer = await calls.call("POST", f"http://127.0.0.1:{receiver.port}/", {}, b"")
        assert (answer.status, len(answer.body)) == (200, 65_536)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"nonsense" * 10_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
    ],
)
async def test_answers_that_cannot_be_read(answer: bytes | None) -> None:
    async with receiving() as receiver, outside() as calls:
        receiver.usual = answer
        url = f"http://127.0.0.1:{receiver.port}/"
        assert await _failure(calls, url) is CallOutcome.BROKEN
        receiver.usual = OK
        assert (await calls.call("POST", url, {}, b"")).status == 204


async def test_whoever_says_nothing_or_trickles() -> None:
    async with receiving() as receiver, outside(timeout=0.3) as calls:
        never = asyncio.Event()
        receiver.answers = [never, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"]
        url = f"http://127.0.0.1:{receiver.port}/"
        assert await _failure(calls, url) is CallOutcome.TIMED_OUT
        never.set()


async def test_nobody_is_there() -> None:
    async with receiving() as receiver:
        port = receiver.port
    async with outside() as calls:
        assert await _failure(calls, f"http://127.0.0.1:{port}/") is CallOutcome.BROKEN


async def test_tls_is_checked_against_the_name(tmp_path: Path) -> None:
    context, certificate = server_context()
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(certificate)

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with receiving(context) as receiver:
        good, bad = (f"https://{h}:{receiver.port}/" for h in ("localhost", "hooks.example.jp"))
        async with outside(resolve=resolve, ca_file=trusted, plain_http=False) as calls:
            assert (await calls.call("POST", good, {}, b"")).status == 204
            assert await _failure(calls, bad) is CallOutcome.BROKEN
        async with outside(resolve=resolve) as calls:
            assert await _failure(calls, good) is CallOutcome.BROKEN
