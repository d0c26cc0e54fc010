"""Requests as bytes to the real server, and what it answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Wire:
    """A way to the server on loopback, for one request after the other."""

    port: int
    key: str

    async def ask(self, raw: bytes) -> Answer:
        """Send bytes on a connection of their own and read one answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(raw)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = {
                n.lower(): v.strip() for n, _, v in (h.partition(":") for h in head[1:] if h)
            }
            length = int(headers.get("content-length", "0"))
            body = b"" if raw.startswith(b"HEAD") else await reader.readexactly(length)
            return Answer(int(head[0].split()[1]), headers, body)
        finally:
            writer.close()
            await writer.wait_closed()

    async def get(
        self, target: str, *headers: str, method: str = "GET", key: bool = True
    ) -> Answer:
        """A request without a body, its target as it is given."""
        return await self.ask(self.head(method, target, *headers, key=key))

    async def post(self, target: str, body: bytes, *headers: str, key: bool = True) -> Answer:
        """A request with a body."""
        length = f"Content-Length: {len(body)}"
        return await self.ask(self.head("POST", target, length, *headers, key=key) + body)

    def head(self, method: str, target: str, *headers: str, key: bool = True) -> bytes:
        """Request line and headers."""
        lines = [f"{method} {target} HTTP/1.1", "Host: evil.example.jp", "Connection: close"]
        lines += [f"Authorization: Bearer {self.key}"] if key else []
        return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1")
