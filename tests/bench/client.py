"""A lean HTTP client, so that what is measured is the server."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

Json = Mapping[str, Any]


class Client:
    """One kept connection that posts prepared requests, one after the other."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    async def post(self, request: bytes) -> None:
        """Send a request and read the answer. Raises RuntimeError unless it is 202."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        body = await self._reader.readexactly(length)
        if head.split(b" ", 2)[1] != b"202":
            raise RuntimeError(f"{head.decode()}{body.decode()}")


def prepared(events: Json | Sequence[Json], key: str) -> bytes:
    """The bytes of a request for one event, or for a batch."""
    kind = "cloudevents" if isinstance(events, Mapping) else "cloudevents-batch"
    body = json.dumps(events, ensure_ascii=False).encode()
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: Bearer {key}\r\n"
        f"Content-Type: application/{kind}+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
