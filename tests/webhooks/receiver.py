"""A receiver of calls: a real HTTP server on loopback that can be told to misbehave."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

OK = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def status(code: int, *headers: str, body: bytes = b"") -> bytes:
    """An answer."""
    head = [f"HTTP/1.1 {code} X", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


@dataclass(frozen=True)
class Got:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """Answers with the next of ``answers``, then with ``usual``."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        #: Bytes to answer with; None: the connection is cut; an event: it never answers.
        self.answers: list[bytes | asyncio.Event | None] = []
        self.usual: bytes | asyncio.Event | None = OK
        self.port = 0
        self._came = asyncio.Condition()

    @property
    def members(self) -> list[str]:
        """Member numbers of all items, in the order in which they came."""
        return [d["member_no"] for g in self.got for d in g.json["data"]["deliveries"]]

    async def wait_for(self, ready: Callable[[], bool]) -> None:
        """Until ``ready`` holds, which is asked whenever something has come."""
        async with self._came:
            await asyncio.wait_for(self._came.wait_for(ready), 30)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._take(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        answer = self.answers.pop(0) if self.answers else self.usual
        async with self._came:
            self.got.append(Got(head[0].split(" ")[1], headers, body))
            self._came.notify_all()
        if isinstance(answer, asyncio.Event):
            await answer.wait()
        elif answer is not None:
            writer.write(answer)
            await writer.drain()


@asynccontextmanager
async def receiving(
    context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Receiver]:
    """A receiver that listens on loopback meanwhile."""
    made = Receiver()
    server = await asyncio.start_server(made.handle, host, 0, ssl=context)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None
