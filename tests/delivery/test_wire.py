"""The wire: how long it waits for a reply, at a server that answers when told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from notifier.delivery.smtp import Wire, WireBroken

SHORT, LONG = 0.3, 60.0  # seconds


class Late(asyncio.Protocol):
    """Answers whatever comes, ``after`` so many seconds."""

    def __init__(self, after: float) -> None:
        self._after = after
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self._after, self._answer)

    def _answer(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(b"250 taken\r\n")


@asynccontextmanager
async def talk(*, after: float) -> AsyncIterator[Wire]:
    """A wire to a server that answers late."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Late(after), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
    wire = Wire(transport)
    try:
        yield wire
    finally:
        wire.close()
        server.close()
        await server.wait_closed()


async def ask(wire: Wire, seconds: float) -> tuple[int, str]:
    wire.write(b"NOOP\r\n")
    return await wire.answer(seconds=seconds)


async def test_a_silence_ends_the_wait_and_the_connection() -> None:
    async with talk(after=LONG) as wire:
        with pytest.raises(WireBroken, match=r"no reply for 0\.3 s"):
            await ask(wire, SHORT)
        assert not wire.is_open


async def test_each_wait_has_its_own_patience() -> None:
    async with talk(after=SHORT) as wire:
        for _ in range(3):  # together longer than one may take
            assert await ask(wire, SHORT * 2.5) == (250, "taken")
        await asyncio.sleep(SHORT * 3)  # nobody waits now: nothing is late
        assert wire.is_open
        assert await ask(wire, LONG) == (250, "taken")


async def test_a_shorter_patience_after_a_longer_one() -> None:
    async with talk(after=SHORT) as wire:
        assert await ask(wire, LONG) == (250, "taken")
        with pytest.raises(WireBroken, match=r"no reply for 0\.15 s"):
            await ask(wire, SHORT / 2)
