"""Lines and pools at real relays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from notifier.delivery.connection import Envelope, RelayDown, SmtpConnection, stuffed
from notifier.delivery.destinations import shipped
from notifier.delivery.gate import Gates
from notifier.delivery.pool import ConnectionPool
from notifier.delivery.replies import Outcome, Reply, answered
from notifier.demo.post_office import PostOffice, Rule, Stage
from notifier.model.notice import Lane
from notifier.model.relay import Relay, Tls
from tests.delivery.rig import relay_of

MAIL = Envelope("b+x@bounce.example.jp", "m@member.example.jp", b"Message-ID: <x@y>\r\n\r\n.\r\n")


def go() -> bool:
    return True


def pool_of(*relays: Relay, size: int = 1) -> ConnectionPool:
    return ConnectionPool(relays, Gates(relays, shipped(), bulk=1), size=size)


async def send(pool: ConnectionPool, envelope: Envelope = MAIL) -> Reply:
    [line] = await pool.take(1)
    reply = await line.transmit(envelope, go)
    pool.give(line)
    return reply


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"", b".a", b"a."]), min_size=1))
def test_stuffing_is_undone_by_the_receiver(lines: list[bytes]) -> None:
    data = b"\r\n".join(lines) + b"\r\n"
    wire = b"".join(stuffed(data))
    assert wire.endswith(b"\r\n.\r\n") or wire == b".\r\n"
    body = wire.removesuffix(b".\r\n").split(b"\r\n")
    assert b"\r\n".join(x[1:] if x.startswith(b".") else x for x in body) == data
    assert b"." not in body


async def test_what_arrives_is_what_was_given(post_office: PostOffice) -> None:
    pool = pool_of(relay_of(post_office), size=1)
    data = "Message-ID: <x@y>\r\n\r\n.\r\n..a\r\n日本\r\n".encode()
    reply = await send(pool, Envelope(MAIL.sender, MAIL.recipient, data))
    assert reply.outcome is Outcome.ACCEPTED
    await pool.close()
    [received] = post_office.messages
    assert received.data == data
    assert f"SIZE={len(data)}" in received.options
    assert "BODY=8BITMIME" in received.options


async def test_tls_and_login(tls_post_office: PostOffice) -> None:
    relay = relay_of(
        tls_post_office,
        tls=Tls.STARTTLS,
        verify=False,
        username="notifier",
        password=SecretStr("open sesame"),
    )
    pool = pool_of(relay, size=1)
    reply = await send(pool)
    await pool.close()
    assert reply.outcome is Outcome.ACCEPTED
    assert reply.tls is not None
    assert reply.tls.startswith("TLSv1.3 ")
    [received] = tls_post_office.messages
    assert (received.tls, received.user) == (True, "notifier")


@pytest.mark.parametrize(
    "more",
    [
        {"verify": True},  # its certificate is its own
        {"verify": False, "username": "notifier", "password": SecretStr("wrong")},
    ],
)
async def test_a_relay_that_is_not_trusted_gets_nothing(
    tls_post_office: PostOffice, more: dict[str, object]
) -> None:
    pool = pool_of(relay_of(tls_post_office, tls=Tls.STARTTLS, **more), size=1)
    with pytest.raises(RelayDown) as found:
        await pool.take(1)
    assert found.value.reply.outcome is Outcome.BEFORE_DATA
    assert pool.free == 1
    assert tls_post_office.messages == []


async def test_starttls_is_required_where_it_is_set(post_office: PostOffice) -> None:
    pool = pool_of(relay_of(post_office, tls=Tls.STARTTLS), size=1)
    with pytest.raises(RelayDown):
        await pool.take(1)
    assert post_office.messages == []


async def test_a_refused_envelope_does_not_stain_the_next(post_office: PostOffice) -> None:
    pool = pool_of(relay_of(post_office), size=1)
    post_office.rules.set(Rule(stage=Stage.RCPT, reply="550 5.1.1 no", times=1))
    assert (await send(pool)).outcome is Outcome.PERMANENT
    other = Envelope("b+y@bounce.example.jp", "n@member.example.jp", MAIL.data)
    assert (await send(pool, other)).outcome is Outcome.ACCEPTED
    await pool.close()
    [received] = post_office.messages
    assert (received.sender, received.recipients) == (other.sender, (other.recipient,))
    assert post_office.connections == 1


async def test_a_line_that_may_not_begin_sends_nothing(post_office: PostOffice) -> None:
    line = SmtpConnection(relay_of(post_office), helo="here.example.jp")
    reply = await line.transmit(MAIL, lambda: False)
    assert reply.outcome is Outcome.BEFORE_DATA
    assert not line.is_open
    assert (await line.transmit(MAIL, go)).outcome is Outcome.ACCEPTED
    await line.part()
    assert len(post_office.messages) == 1


async def test_connections_are_kept_and_renewed(post_office: PostOffice) -> None:
    pool = pool_of(relay_of(post_office), size=2)
    for _ in range(relay_of(post_office).most_messages + 1):
        assert (await send(pool)).outcome is Outcome.ACCEPTED
    await pool.close()
    assert post_office.connections == 2


async def test_no_more_lines_than_allowed(post_office: PostOffice) -> None:
    pool = pool_of(relay_of(post_office), size=2)
    lines = await pool.take(5)
    assert (len(lines), pool.free) == (2, 0)
    waiting = asyncio.create_task(pool.take(1))
    await asyncio.sleep(0)
    assert not waiting.done()
    pool.give(lines[0])
    assert await waiting == [lines[0]]
    for line in lines:
        pool.give(line)
    await pool.close()


async def test_a_full_relay_is_not_taken_to_be_away(post_office: PostOffice) -> None:
    post_office.most_connections = 2
    relay = relay_of(post_office)
    gates = Gates([relay], shipped(), bulk=1)
    pool = ConnectionPool([relay], gates, size=8)
    lines = await pool.take(8)
    assert (len(lines), pool.free) == (2, 6)
    assert await pool.take(8) == []
    assert gates.of(relay).breaker.allows(0.0)
    pool.give(lines[0])
    assert await pool.take(8) == [lines[0]]
    for line in lines:
        pool.give(line)
    await pool.close()
    assert (pool.free, gates.of(relay).connections) == (8, 0)


@pytest.mark.parametrize("busy", [True, False])
async def test_a_lane_without_a_line_is_given_one_by_a_lane_that_can_wait(
    post_office: PostOffice, busy: bool
) -> None:
    post_office.most_connections = 2
    relay = relay_of(post_office)
    gates = Gates([relay], shipped(), bulk=1)
    bulk, urgent = (
        ConnectionPool([relay], gates, size=4, lane=lane) for lane in (Lane.BULK, Lane.URGENT)
    )
    lines = await bulk.take(4)
    if not busy:
        for line in lines:
            bulk.give(line)
    assert await urgent.take(1) == []  # granted to the mass mailing, all of them
    if busy:
        assert (await lines[0].transmit(MAIL, go)).outcome is Outcome.ACCEPTED
        for line in lines:
            bulk.give(line)
    for _ in range(100):
        if lent := await urgent.take(1):
            break
        await asyncio.sleep(0.05)
    assert (await lent[0].transmit(MAIL, go)).outcome is Outcome.ACCEPTED
    assert len(await bulk.take(4)) == 1  # it keeps the other, and does not take the first back
    urgent.give(lent[0])
    assert await bulk.take(4) == []
    for line in lines[1:]:
        line.drop()
    await urgent.close()


@asynccontextmanager
async def relay_that_says(**said: str) -> AsyncIterator[tuple[Relay, list[asyncio.StreamWriter]]]:
    """A relay that answers commands so, and the conversations with it."""
    said = {"EHLO": "250 relay", "DATA": "354 go"} | said
    conversations: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        conversations.append(writer)
        writer.write(b"220 relay.example.jp\r\n")
        body = False
        async for line in reader:
            word = line.strip()[:4].decode().upper()
            if not body or word == ".":
                body = word == "DATA"
                writer.write(said.get("END" if word == "." else word, "250 ok").encode() + b"\r\n")

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield (
        Relay(host="127.0.0.1", port=server.sockets[0].getsockname()[1], tls=Tls.NONE),
        conversations,
    )
    server.close()
    for writer in conversations:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("reply", "is_there"),
    [("530 5.7.0 login first", False), ("451 later", False), ("550 5.7.1 no bounces", True)],
)
async def test_what_a_probe_says_of_a_relay(reply: str, is_there: bool) -> None:
    async with relay_that_says(MAIL=reply) as (relay, _):
        pool = pool_of(relay)
        assert (await pool.probe() == 0) is is_there
        await pool.close()


async def test_a_reply_is_text_that_the_record_takes() -> None:
    async with relay_that_says(MAIL="550-no\0\r\n550 \x00thanks") as (relay, _):
        line = SmtpConnection(relay, helo="here.example.jp")
        assert (await line.transmit(MAIL, go)).text == "no?\n?thanks"
        await line.part()


async def test_a_reply_that_nobody_asked_for_is_not_taken_for_an_answer() -> None:
    """One reply too many, and every later one would be read as the answer to another command."""
    plain = Envelope(MAIL.sender, MAIL.recipient, b"Message-ID: <x@y>\r\n\r\nbody\r\n")
    async with relay_that_says(END="250 taken\r\n250 again") as (relay, conversations):
        line = SmtpConnection(relay, helo="here.example.jp")
        for _ in range(3):
            assert (await line.transmit(plain, go)).outcome is Outcome.ACCEPTED
        line.drop()
    assert len(conversations) == 3


async def test_another_relay_takes_over(post_office: PostOffice, tmp_path: Path) -> None:
    gone = Relay(host="127.0.0.1", port=1, tls=Tls.NONE, name="gone")
    pool = pool_of(gone, relay_of(post_office), size=1)
    reply = await send(pool)
    await pool.close()
    assert (reply.outcome, reply.relay) == (Outcome.ACCEPTED, "post-office")


@pytest.mark.parametrize(
    ("command", "code", "outcome"),
    [
        ("BODY", 250, Outcome.ACCEPTED),
        ("BODY", 451, Outcome.TEMPORARY),
        ("BODY", 554, Outcome.PERMANENT),
        ("BODY", -1, Outcome.UNCERTAIN),  # not a reply at all
        ("BODY", 354, Outcome.UNCERTAIN),
        ("RCPT", 550, Outcome.PERMANENT),
        ("RCPT", -1, Outcome.BEFORE_DATA),
        ("MAIL", 421, Outcome.TEMPORARY),
        ("MAIL", 530, Outcome.BEFORE_DATA),  # our settings, not the message
        ("CONNECT", 554, Outcome.BEFORE_DATA),
    ],
)
def test_what_a_code_says(command: str, code: int, outcome: Outcome) -> None:
    assert answered(command, code, "text", tls=None, relay="r").outcome is outcome


def test_the_enhanced_code_is_read_from_the_text() -> None:
    assert answered("RCPT", 550, "5.1.1 no", tls=None, relay="r").enhanced == "5.1.1"
    assert answered("RCPT", 550, "no 5.1.1", tls=None, relay="r").enhanced is None
