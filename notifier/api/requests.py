"""Reading a request: its body within a limit, its events by content type."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.message import Message
from typing import Any, Final
from urllib.parse import unquote

from starlette.requests import Request

from notifier.intake.envelope import MAX_BODY, Batch, parse_any, parse_batch, parse_event
from notifier.intake.strict_json import decode, refusal

from .limits import admission_of

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"
_CE: Final = "ce-"
_AT_ONCE: Final = 65_536  # bytes: some milliseconds of reading
#: One at a time: what is made of a body takes ten times its room.
_READER: Final = ThreadPoolExecutor(1, "bodies")


class UnsupportedMediaType(Exception):
    """A content type, character set or content coding that we do not read."""


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body. Raises ``BadInput`` (``too_big``) as soon as it is longer than ``limit`` bytes.

    Raises :class:`~notifier.api.limits.Refused` where it comes too slowly, or there is no room.
    """
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared[:19]) > limit:
        raise refusal("too_big", limit=limit)
    body, admission = bytearray(), admission_of(request)
    async for chunk in request.stream():
        if admission:
            admission.hold(len(chunk))
        body += chunk
        if len(body) > limit:
            raise refusal("too_big", limit=limit)
    return bytes(body)


def media_type(request: Request) -> str:
    """The content type without parameters. Raises :class:`UnsupportedMediaType`."""
    header = Message()
    header["content-type"] = request.headers.get("content-type", "")
    kind, charset = header.get_content_type(), header.get_param("charset", "utf-8")
    coding = request.headers.get("content-encoding", "identity")
    if kind not in (SINGLE, BATCH, JSON) or str(charset).lower() != "utf-8" or coding != "identity":
        raise UnsupportedMediaType
    return kind


async def parsed(kind: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch:
    """The events of a body; a large one is read beside everything else. Raises ``BadInput``."""
    if len(body) <= _AT_ONCE:
        return read_events(kind, headers, body, now)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_READER, read_events, kind, headers, body, now)


def read_events(kind: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Batch:
    """The events of a body in structured, batch or binary mode.

    What is wrong with a single event is raised as ``BadInput``; with some of a batch, told in it.
    """
    if kind == BATCH:
        return parse_batch(body, now)
    if kind == JSON and "ce-specversion" not in headers:
        return parse_any(body, now)
    event = body if kind == SINGLE else _binary(headers, body)
    return Batch(events=(parse_event(event, now),), places=(0,))


def _binary(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    # In binary mode the attributes are headers and the body is the data alone.
    found: dict[str, Any] = {
        name.removeprefix(_CE): unquote(value)
        for name, value in headers.items()
        if name.startswith(_CE)
    }
    return {**found, "data": decode(body, limit=MAX_BODY)}
