"""Whoever attacks the listener for bounces: raw lines in, what is answered. Sockets on loopback."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

import pytest

from notifier.returns.listener import MOST_RETURNS, DayLimit, Listener
from notifier.store.db import run
from tests.returns.desk import Desk
from tests.returns.reports import report
from tests.returns.test_listener import REPLY_TO, listening

_BOUNCE: Final = "bounce.example.jp"
_OURS: Final = b"RCPT TO:<b+TOKEN@bounce.example.jp>"
_Limits = dict[str, Any]
_BEGIN: Final = (b"EHLO x", b"MAIL FROM:<>")
_MAIL: Final = b"Subject: x\r\n\r\nhello\r\n.\r\n"

#: What is sent, line by line, and the code of the last answer; 0 where the connection ends.
CASES: Final[dict[str, tuple[Sequence[bytes], int]]] = {
    # Addresses.
    "an invented token": ((*_BEGIN, b"RCPT TO:<b+%s@bounce.example.jp>" % (b"a" * 26)), 550),
    "a token too short": ((*_BEGIN, b"RCPT TO:<b+aaaa@bounce.example.jp>"), 550),
    "a token and more": ((*_BEGIN, b"RCPT TO:<b+TOKENa@bounce.example.jp>"), 550),
    "a token elsewhere": ((*_BEGIN, b"RCPT TO:<b+TOKEN@example.jp>"), 550),
    "a token at a longer name": (
        (*_BEGIN, b"RCPT TO:<b+TOKEN@bounce.example.jp.example.com>"),
        550,
    ),
    "a token at a host within": ((*_BEGIN, b"RCPT TO:<b+TOKEN@x.bounce.example.jp>"), 550),
    "a wildcard": ((*_BEGIN, b"RCPT TO:<b+%@bounce.example.jp>"), 550),
    "a quote": ((*_BEGIN, b"RCPT TO:<b+' OR '1'='1@bounce.example.jp>"), 550),
    "a source route": ((*_BEGIN, b"RCPT TO:<@x.example.jp:b+TOKEN@bounce.example.jp>"), 250),
    "a percent route": ((*_BEGIN, b"RCPT TO:<root%example.com@bounce.example.jp>"), 550),
    "root": ((*_BEGIN, b"RCPT TO:<root>"), 550),
    "nobody": ((*_BEGIN, b"RCPT TO:<>"), 550),
    "postmaster": ((*_BEGIN, b"RCPT TO:<postmaster>"), 550),
    "a member": ((*_BEGIN, b"RCPT TO:<m0001@example.jp>"), 550),
    "an address of 5 KB": ((*_BEGIN, b"RCPT TO:<" + b"a" * 5_000 + b"@bounce.example.jp>"), 500),
    "an address with a zero": ((*_BEGIN, b"RCPT TO:<b+\0@bounce.example.jp>"), 550),
    "bytes that are no text": ((*_BEGIN, b"RCPT TO:<\xff\xfe@bounce.example.jp>"), 550),
    "ours": ((*_BEGIN, _OURS), 250),
    "ours fifty-one times": ((*_BEGIN, *[_OURS] * 51), 452),
    # Commands.
    "HTTP": ((b"GET / HTTP/1.1",), 500),
    "a word of 100 KB": ((b"X" * 100_000,), 500),
    "DATA at once": ((b"DATA",), 503),
    "DATA for nobody": ((*_BEGIN, b"DATA"), 503),
    "DATA for an invented token": (
        (*_BEGIN, b"RCPT TO:<b+%s@bounce.example.jp>" % (b"a" * 26), b"DATA"),
        503,
    ),
    "VRFY": ((b"EHLO x", b"VRFY root"), 252),
    "EXPN": ((b"EHLO x", b"EXPN all"), 502),
    "AUTH": ((b"EHLO x", b"AUTH PLAIN AA=="), 538),
    "STARTTLS": ((b"EHLO x", b"STARTTLS"), 454),
    "BDAT": ((*_BEGIN, _OURS, b"BDAT 9 LAST"), 500),
    "a size announced": ((b"EHLO x", b"MAIL FROM:<> SIZE=99999999999"), 552),
    "a size in words": ((b"EHLO x", b"MAIL FROM:<> SIZE=many"), 501),
    "an option of nobody": ((b"EHLO x", b"MAIL FROM:<> X=1"), 555),
    "EHLO without a name": ((b"EHLO",), 501),
    "HELO twice": ((b"HELO x", b"HELO y"), 250),
    "a sender twice": ((*_BEGIN, b"MAIL FROM:<>"), 503),
    # Mails.
    "too large": ((*_BEGIN, _OURS, b"DATA", (b"y" * 998 + b"\r\n") * 1_100 + b"."), 552),
    "a line too long": ((*_BEGIN, _OURS, b"DATA", b"y" * 300_000 + b"\r\n."), 500),
    "a line without an end": ((*_BEGIN, _OURS, b"DATA", b"y" * 3_000_000), 0),
    "silence": ((*_BEGIN, _OURS, b"DATA", b"Subject: x"), 0),
    "another mail hidden behind a bare line feed": (
        (*_BEGIN, _OURS, b"DATA", b"Subject: x\r\n\r\nx\n.\nMAIL FROM:<evil@example.jp>\r\n."),
        250,
    ),
    "a mail": ((*_BEGIN, _OURS, b"DATA", _MAIL[:-2]), 250),
}


@asynccontextmanager
async def connected(
    listener: Listener, address: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", listener.port, local_addr=(address, 0)
    )
    try:
        yield reader, writer
    finally:
        writer.close()


async def answer(reader: asyncio.StreamReader) -> int:
    """The code of the next answer; 0 where the connection ends."""
    async with asyncio.timeout(30):
        try:
            while (line := await reader.readline())[3:4] == b"-":
                pass
        except ConnectionError:
            return 0
    return int(line[:3]) if line else 0


async def talk(listener: Listener, lines: Sequence[bytes], address: str = "127.0.0.1") -> int:
    """Say line by line, each after the answer to the one before; the last answer."""
    async with connected(listener, address) as (reader, writer):
        said = await answer(reader)
        for line in lines:
            if said in (0, 421):
                break
            writer.write(line + b"\r\n")
            said = await answer(reader)
        return said


def named(lines: Sequence[bytes], token: str) -> list[bytes]:
    return [line.replace(b"TOKEN", token.encode()) for line in lines]


async def test_every_attack_is_answered_and_nothing_is_kept(desk: Desk) -> None:
    [message] = await desk.sent()
    limits: _Limits = {
        "most_megabytes": 1,
        "idle_seconds": 2,
        "connections": 100,
        "relays": (),
    }
    async with listening(desk, **limits) as listener:
        said = await asyncio.gather(
            *(
                talk(listener, named(lines, message["token"]), f"127.0.1.{n}")
                for n, (lines, _) in enumerate(CASES.values(), 1)
            )
        )
        assert dict(zip(CASES, said, strict=True)) == {n: code for n, (_, code) in CASES.items()}
        data = report(message["token"], await desk.address(message)).replace(b"\n", b"\r\n")
        lines = named(
            (*_BEGIN, _OURS, b"DATA", data.replace(b"\r\r", b"\r") + b"."), message["token"]
        )
        assert await talk(listener, lines) == 250
    assert (await desk.state(message["message_id"]))[0] == "bounced"
    assert len(await desk.rows("SELECT 1 FROM returns")) == 3  # the two that were mails, and this
    assert len(CASES) >= 35


async def test_idle_connections_lock_nobody_out(desk: Desk) -> None:
    [message] = await desk.sent()
    ours = named((*_BEGIN, _OURS), message["token"])
    limits: _Limits = {
        "connections": 6,
        "connections_per_address": 3,
        "idle_seconds": 3,
        "relays": (),
    }
    async with listening(desk, **limits) as listener, AsyncExitStack() as stack:
        flood = [
            await stack.enter_async_context(connected(listener, "127.0.0.2")) for _ in range(5)
        ]
        assert [await answer(reader) for reader, _ in flood] == [220] * 3 + [421] * 2
        assert await talk(listener, ours, "127.0.0.3") == 250
        more = [
            await stack.enter_async_context(connected(listener, f"127.0.1.{n + 1}"))
            for n in range(4)
        ]
        assert [await answer(reader) for reader, _ in more] == [220] * 3 + [421]
        idle = [reader for reader, _ in (*flood[:3], *more[:3])]
        assert set(await asyncio.gather(*map(answer, idle))) <= {0, 421}  # time is up
        assert await talk(listener, ours, "127.0.0.3") == 250


async def test_who_has_shown_nothing_gives_way(desk: Desk) -> None:
    [message] = await desk.sent()
    ours = named((*_BEGIN, _OURS), message["token"])
    limits: _Limits = {
        "connections": 3,
        "connections_per_address": 3,
        "idle_seconds": 60,
        "relays": (),
    }
    async with listening(desk, grace_seconds=0, **limits) as listener, AsyncExitStack() as stack:
        reader, writer = await stack.enter_async_context(connected(listener, "127.0.0.9"))
        assert await answer(reader) == 220
        for line in ours:  # this one has named a return path of ours, and stays
            writer.write(line + b"\r\n")
            assert await answer(reader) == 250
        flood = [
            await stack.enter_async_context(connected(listener, "127.0.0.2")) for _ in range(2)
        ]
        assert [await answer(one) for one, _ in flood] == [220, 220]
        assert await talk(listener, ours, "127.0.0.3") == 250
        assert await answer(flood[0][0]) == 421  # the longest of those that said nothing
        writer.write(b"NOOP\r\n")
        assert await answer(reader) == 250


async def test_what_comes_back_to_one_mail_has_an_end(desk: Desk) -> None:
    [message] = await desk.sent()
    async with desk.engine.begin() as conn:
        await run(
            conn,
            """INSERT INTO returns (source, external_id, sha256, size, received_at, kind, standing,
                   message_id, delivered_from, handled_at, handled_by)
               SELECT 'test', n::text, sha256(n::text::bytea), 1, now(), 'unknown', 'ignored',
                   :id, 'mailbox', now(), 'test' FROM generate_series(1, :count) n""",
            {"id": message["message_id"], "count": MOST_RETURNS},
        )
    async with listening(desk) as listener:
        assert await talk(listener, named((*_BEGIN, _OURS), message["token"])) == 552


async def test_what_anybody_may_write_has_an_end_for_a_day(desk: Desk) -> None:
    [message] = await desk.sent()
    mail = b"Subject: %d\r\n\r\n" + b"y" * 900 + b"\r\n" + (b"z" * 900 + b"\r\n") * 600 + b"."
    other = (*_BEGIN, f"RCPT TO:<{REPLY_TO}>".encode(), b"DATA")
    async with listening(desk, most_megabytes_a_day=1) as listener:
        assert await talk(listener, (*other, mail % 1)) == 250
        assert await talk(listener, (*other, mail % 2)) == 452
        ours = named((*_BEGIN, _OURS, b"DATA"), message["token"])
        assert await talk(listener, (*ours, mail % 3)) == 250  # as much as ever


@pytest.mark.parametrize(("sizes", "fit"), [((5, 5, 1), (True, True, False)), ((11,), (False,))])
def test_a_day_has_room_for_so_much(sizes: Sequence[int], fit: Sequence[bool]) -> None:
    limit = DayLimit(10)
    assert [limit.has_room(size) for size in sizes] == list(fit)
