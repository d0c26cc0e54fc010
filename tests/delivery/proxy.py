"""A wire that can be cut: TCP between the engine and a relay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

_CHUNK = 1 << 16


class Cut(Enum):
    """Where the wire is cut, in each transaction."""

    BODY = auto()  # the relay reads nothing of the body
    HALF = auto()  # the relay has the headers and a part of the body
    REPLY = auto()  # the relay has the whole body; its answer is lost


class Proxy:
    """Passes everything on, until it is time to cut. Within ``async with proxy.open()``."""

    def __init__(self, port: int, cut: Cut) -> None:
        self._to, self._cut = port, cut
        self.port = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Proxy"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _serve(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        relay, on = await asyncio.open_connection("127.0.0.1", self._to)
        body = asyncio.Event()
        ways = [
            asyncio.create_task(self._up(client, on, body)),
            asyncio.create_task(self._down(relay, back, body)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for writer in (on, back):
            writer.close()

    async def _up(
        self, client: asyncio.StreamReader, on: asyncio.StreamWriter, body: asyncio.Event
    ) -> None:
        while data := await client.read(_CHUNK):
            if body.is_set() and self._cut is Cut.BODY:
                return
            if body.is_set() and self._cut is Cut.HALF:
                on.write(data[: len(data) // 2])
                await on.drain()
                return
            on.write(data)
            await on.drain()

    async def _down(
        self, relay: asyncio.StreamReader, back: asyncio.StreamWriter, body: asyncio.Event
    ) -> None:
        while line := await relay.readline():
            if body.is_set() and self._cut is Cut.REPLY:
                return  # the answer to the body
            if line.startswith(b"354"):
                body.set()
            back.write(line)
            await back.drain()
