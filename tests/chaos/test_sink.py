"""The receiver: it must be above suspicion itself."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest

from tests.chaos.sink import Cut, Manner, Sink, Stage

ENVELOPE = b"MAIL FROM:<a@example.jp>\r\nRCPT TO:<b@example.jp>\r\nDATA\r\n"
CONTENT = b"Subject: x\r\nMessage-ID: <m1@example.jp>\r\n\r\n.a line with a dot\r\n"
BODY = CONTENT.replace(b"\r\n.a", b"\r\n..a") + b".\r\n"
TAKEN = {"<m1@example.jp>": [hashlib.sha256(CONTENT).digest()]}


class Client:
    """A client that writes what it is told, and reads what there is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def codes(self, count: int) -> list[bytes]:
        """The codes of the next lines; fewer when the connection ends."""
        lines = [await self.reader.readline() for _ in range(count)]
        return [line[:3] for line in lines if line]

    async def ended(self) -> bool:
        try:
            return not await self.reader.read()
        except ConnectionResetError:
            return True


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    made = Sink()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def client(sink: Sink) -> AsyncIterator[Client]:
    made = Client(*await asyncio.open_connection("127.0.0.1", sink.port))
    assert await made.codes(1) == [b"220"]
    yield made
    made.writer.close()


async def test_pipelined_messages_are_counted(sink: Sink, client: Client) -> None:
    client.writer.write(ENVELOPE)
    assert await client.codes(3) == [b"250", b"250", b"354"]
    client.writer.write(BODY + ENVELOPE)
    assert await client.codes(4) == [b"250", b"250", b"250", b"354"]
    for byte in BODY:  # the end is found wherever the network cuts
        client.writer.write(bytes([byte]))
        await asyncio.sleep(0)
    assert await client.codes(1) == [b"250"]
    assert sink.copies == {name: hashes * 2 for name, hashes in TAKEN.items()}


async def test_commands_out_of_order_are_refused(client: Client) -> None:
    client.writer.write(b"EHLO x\r\nDATA\r\nRCPT TO:<b@example.jp>\r\nWHAT\r\nQUIT\r\n")
    assert await client.codes(5) == [b"250"] * 5
    assert await client.codes(4) == [b"503", b"503", b"502", b"221"]
    assert await client.ended()


@pytest.mark.parametrize("cut", Cut)
async def test_a_cut_keeps_the_message_only_where_it_says_so(
    sink: Sink, client: Client, cut: Cut
) -> None:
    sink.plan([Manner(cut=cut)])
    client.writer.write(ENVELOPE)
    answers = await client.codes(3 if cut is not Cut.BEFORE_DATA else 2)
    assert answers[:2] == [b"250", b"250"]
    client.writer.write(BODY)
    assert await client.ended()
    assert sink.copies == (TAKEN if cut is Cut.KEPT else {})
    assert sink.cuts[cut] == 1


@pytest.mark.parametrize("stage", [s for s in Stage if s is not Stage.CONNECT])
async def test_a_storm_refuses_and_takes_nothing(sink: Sink, client: Client, stage: Stage) -> None:
    sink.storm = stage
    client.writer.write(ENVELOPE)
    if stage is Stage.END:
        assert await client.codes(3) == [b"250", b"250", b"354"]
        client.writer.write(BODY)
    answers = (await client.reader.read()).split()
    assert b"421" in answers
    assert sink.copies == {}


async def test_a_storm_at_the_door(sink: Sink) -> None:
    sink.storm = Stage.CONNECT
    client = Client(*await asyncio.open_connection("127.0.0.1", sink.port))
    assert await client.codes(2) == [b"421"]
    client.writer.close()


@pytest.mark.parametrize("late", [True, False])
async def test_a_slow_answer(sink: Sink, client: Client, late: bool) -> None:
    sink.plan([Manner(delay=0.2, late=late)])
    client.writer.write(ENVELOPE)
    await client.codes(3)
    client.writer.write(BODY + b"NOOP\r\n")
    assert await client.codes(2) == [b"250", b"250"]
    assert sink.copies == TAKEN


async def test_closed_and_opened_again_it_has_the_same_port(sink: Sink, client: Client) -> None:
    port = sink.port
    await sink.close()
    assert await client.ended()
    await sink.open()
    assert sink.port == port
