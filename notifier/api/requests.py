"""Reading a request: its body within a limit, its events by content type."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.message import Message
from typing import Any, Final
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.requests import Request

from notifier.intake.envelope import MAX_BODY, Batch, parse_any, parse_batch, parse_event
from notifier.intake.strict_json import decode, refusal
from notifier.model.errors import BadInput, FieldError

from .limits import admission_of

SINGLE: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"
ACCEPTED: Final = (SINGLE, BATCH, JSON)
_CE: Final = "ce-"
_AT_ONCE: Final = 65_536  # bytes: some milliseconds of reading
#: One at a time: what is made of a body takes ten times its room.
_READER: Final = ThreadPoolExecutor(1, "bodies")


class UnsupportedMediaType(Exception):
    """A content type, character set or content coding that we do not read."""

    def __init__(self, field: str, *allowed: str) -> None:
        self.error = FieldError(field, "accepted_types", {"allowed": ", ".join(allowed)})
        super().__init__(field)


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
    """The content type without parameters. Raises :class:`UnsupportedMediaType`.

    Two headers of that name are none that we read: others may go by the other one.
    """
    given = request.headers.getlist("content-type")
    header = Message()
    header["content-type"] = given[0] if len(given) == 1 else ""
    kind, charset = header.get_content_type(), header.get_param("charset", "utf-8")
    if kind not in ACCEPTED:
        raise UnsupportedMediaType("content-type", *ACCEPTED)
    if str(charset).lower() != "utf-8":
        raise UnsupportedMediaType("content-type", *(f"{k}; charset=utf-8" for k in ACCEPTED))
    codings = request.headers.getlist("content-encoding")
    if any(coding.strip().lower() != "identity" for coding in codings):
        raise UnsupportedMediaType("content-encoding", "identity")
    return kind


async def parsed(kind: str, headers: Headers, body: bytes, now: datetime) -> Batch:
    """The events of a body; a large one is read beside everything else. Raises ``BadInput``."""
    if len(body) <= _AT_ONCE:
        return read_events(kind, headers, body, now)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_READER, read_events, kind, headers, body, now)


def read_events(kind: str, headers: Headers, body: bytes, now: datetime) -> Batch:
    """The events of a body in structured, batch or binary mode.

    What is wrong with a single event is raised as ``BadInput``; with some of a batch, told in it.
    """
    if kind == BATCH:
        return parse_batch(body, now)
    if kind == JSON and "ce-specversion" not in headers:
        return parse_any(body, now)
    if kind == JSON:
        event = parse_event({**_attributes(headers), "data": decode(body, limit=MAX_BODY)}, now)
    else:
        event = parse_event(body, now)
    return Batch(events=(event,), places=(0,))


def _attributes(headers: Headers) -> dict[str, Any]:
    """In binary mode the attributes are headers, percent-encoded, and the body is the data alone.

    Raises ``BadInput`` on what two readers could read in two ways.
    """
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for header, value in headers.items():
        name = header.removeprefix(_CE)
        if name == header:
            continue
        if name == "data":
            errors.append(FieldError(name, "unknown_field"))
        elif name in found:
            errors.append(FieldError(name, "given_twice"))
        else:
            found[name] = _decoded(name, value, errors)
    if errors:
        raise BadInput(errors)
    return found


def _decoded(name: str, value: str, errors: list[FieldError]) -> str:
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        errors.append(FieldError(name, "not_utf8"))
        return ""
