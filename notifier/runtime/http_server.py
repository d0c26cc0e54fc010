"""The HTTP server: uvicorn, with bounds for connections and the heads of requests.

What it must refuse before there is a request (too many connections, a head too large or too slow,
what is no HTTP) it answers itself. How many requests are under way, and how bodies come, is looked
at by :mod:`notifier.api.limits`.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from notifier.api import request_ids
from notifier.api.limits import Tally
from notifier.api.problems import problem
from notifier.model.http import Http, counted_as

#: What comes from outside is counted (see :class:`Gate`), not logged line by line.
_ERRORS: Final = logging.getLogger("notifier.http")
_ERRORS.setLevel(logging.ERROR)

HEAD: Final = 16_384  # bytes of a request's head: its first line and all its fields
URL: Final = 8_192  # bytes of what is asked for
FIELDS: Final = 100  # of a head
_PIPELINED: Final = 8  # requests that may wait for an answer on one connection
_CHUNK: Final = 32  # bytes that a chunk of a body may have beside what it carries
_LINGER: Final = 2.0  # seconds in which what was still on its way is read, and thrown away
_DISCARDED: Final = 4 * 1024 * 1024  # bytes of that
_TURNED_AWAY: Final = 100  # connections that may hear why they are not let in


class Gate:
    """All connections of a process, by address."""

    def __init__(self, given: Http) -> None:
        self.given = given
        self._open = 0
        self._by_address: Counter[str] = Counter()
        self._turned_away = 0
        self.refusals = Tally("http.refused")

    @property
    def open(self) -> int:
        """How many connections are in."""
        return self._open

    def enter(self, address: str) -> str:
        """Let a connection in; else why not, as a key of the catalogue."""
        if self._open >= self.given.connections:
            return "overloaded"
        site = counted_as(address)
        full = self._by_address[site] >= self.given.connections_per_address
        if full and not self.given.trusts(address):
            return "too_many_requests"
        self._open += 1
        self._by_address[site] += 1
        return ""

    def leave(self, address: str) -> None:
        """One less."""
        site = counted_as(address)
        self._open -= 1
        self._by_address[site] -= 1
        if not self._by_address[site]:
            del self._by_address[site]

    def may_hear_why(self) -> bool:
        """Whether one that is not let in may stay until it has heard so."""
        if self._turned_away >= _TURNED_AWAY:
            return False
        self._turned_away += 1
        return True

    def turned_away(self) -> None:
        """It has gone."""
        self._turned_away -= 1


class HttpConfig(uvicorn.Config):
    """What uvicorn is to do, and the gate of this process."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        super().__init__(
            app,
            http=GuardedProtocol,
            ws="none",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,  # whom a proxy names is seen to by notifier.api.limits
            timeout_keep_alive=max(1, round(gate.given.idle_seconds)),
            timeout_graceful_shutdown=10,
        )
        self.gate = gate


class HttpServer(uvicorn.Server):
    """uvicorn without signal handlers of its own: one process may do more than serve."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the process."""
        yield


class _Ending:
    """The connection as a request sees it: whoever ends it lets what is on its way come first."""

    def __init__(self, protocol: "GuardedProtocol", cycle: RequestResponseCycle) -> None:
        self._protocol, self._cycle = protocol, cycle

    def write(self, data: bytes) -> None:
        self._protocol.transport.write(data)

    def is_closing(self) -> bool:
        return self._protocol.transport.is_closing()

    def close(self) -> None:
        self._protocol.end(linger=self._cycle.more_body)


class GuardedProtocol(HttpToolsProtocol):
    """One connection, within bounds."""

    def __init__(self, config: HttpConfig, *args: Any, **more: Any) -> None:
        super().__init__(config, *args, **more)
        self.logger = _ERRORS
        self._gate, self._given = config.gate, config.gate.given
        self._address = ""
        self._inside = self._outside = self._ending = False
        self._in_head, self._head = True, 0
        self._beside = self._carried = self._discarded = 0
        self._timer: asyncio.TimerHandle | None = None  # for a head, or for the end
        self._writing: asyncio.TimerHandle | None = None

    # The connection.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or say why not."""
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""
        why = self._gate.enter(self._address)
        if not why:
            self._inside = True
            super().connection_made(transport)
            self._arm(self._given.head_seconds, self._late)
            return
        self.transport = transport
        self._outside = self._gate.may_hear_why()
        if self._outside:
            self._refuse(429 if why == "too_many_requests" else 503, why)
        else:
            self._gate.refusals.note(why)
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """One less."""
        for timer in (self._timer, self._writing):
            if timer is not None:
                timer.cancel()
        self._timer = self._writing = None
        self._ending = True
        if self._inside:
            self._gate.leave(self._address)
            super().connection_lost(exc)
        elif self._outside:
            self._gate.turned_away()

    def end(self, *, linger: bool) -> None:
        """End it once the answer is out; with ``linger`` read on for a moment.

        Whoever closes a connection on which something still comes has it reset, and the other
        side may never see the answer.
        """
        if self._ending or self.transport.is_closing():
            return
        self._ending = True
        if linger:
            if self.transport.can_write_eof():
                self.transport.write_eof()
            self.transport.resume_reading()
            self._arm(_LINGER, self.transport.abort)
        else:
            self.transport.close()
            self._arm(self._given.write_seconds, self.transport.abort)

    def _arm(self, seconds: float, act: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, act)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more came."""
        self.end(linger=False)

    def pause_writing(self) -> None:
        """The other side does not read; it has a while to go on."""
        super().pause_writing()
        self._writing = self.loop.call_later(self._given.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It does."""
        super().resume_writing()
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None

    # What comes.

    def data_received(self, data: bytes) -> None:
        """Pass on what is within bounds; of a head only so much at once."""
        if self._in_head and self._timer is None:
            self._arm(self._given.head_seconds, self._late)
        while data and not self._ending:
            room = HEAD - self._head if self._in_head else len(data)
            piece, data = data[:room], data[room:]
            if self._in_head:
                self._head += len(piece)
            else:
                self._beside += len(piece)
            super().data_received(piece)
            self._look_at_size()
        if self._ending and data:
            self._discard(len(data))

    def _look_at_size(self) -> None:
        if self._in_head and self._head and len(self.url) > URL:
            self._refuse(414, "uri_too_long")
        elif (self._in_head and self._head >= HEAD) or self._beside - self._carried > HEAD:
            self._refuse(431, "head_too_large")

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > _DISCARDED:
            self.transport.abort()

    def _late(self) -> None:
        self._timer = None
        if self._head:
            self._refuse(408, "request_timeout")
        else:
            self.end(linger=False)

    # What the parser finds.

    url: bytes = b""

    def on_message_begin(self) -> None:
        """Another request."""
        super().on_message_begin()
        self._beside = self._carried = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head. Behind the body stands none that counts."""
        if self._in_head:
            super().on_header(name, value)

    def on_chunk_header(self) -> None:
        """A chunk of a body begins."""
        self._carried += _CHUNK

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._carried += len(body)
        super().on_body(body)

    def on_headers_complete(self) -> None:
        """A head is whole: the request begins."""
        self._in_head, self._head = False, 0
        self._disarm()
        if len(self.pipeline) >= _PIPELINED:
            raise ValueError("too many requests wait for their answers")
        asked, self.app = self.app, self._app_for()
        try:
            super().on_headers_complete()
        finally:
            self.app = asked
        # Set before it runs: it begins with the next turn of the loop.
        self.cycle.transport = cast("asyncio.Transport", _Ending(self, self.cycle))

    def _app_for(self) -> Any:
        if len(self.url) > URL:
            return _Refusal(414, "uri_too_long")
        size = sum(len(name) + len(value) + 4 for name, value in self.headers)
        too_large = len(self.headers) > FIELDS or size > HEAD
        return _Refusal(431, "head_too_large") if too_large else self.app

    def on_message_complete(self) -> None:
        """A request is whole."""
        super().on_message_complete()
        self._in_head, self._head = True, 0

    # What is refused.

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the library's words)
        """What came is no HTTP."""
        self._refuse(400, "bad_request")

    def _refuse(self, status: int, code: str) -> None:
        """Answer, and end it; in the middle of another answer only the latter."""
        if self._ending:
            return
        self._gate.refusals.note(code)
        if not self._may_answer():
            self._ending = True
            self.transport.abort()
            return
        self.transport.write(_written(status, code))
        self.end(linger=True)

    def _may_answer(self) -> bool:
        """Whether nobody else is about to; a request whose body is not whole is broken off."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            return True
        if cycle.response_started or self.pipeline or not cycle.more_body:
            return False
        cycle.disconnected = True
        cycle.message_event.set()
        return True


class _Refusal:
    """An application that refuses one request."""

    def __init__(self, status: int, code: str) -> None:
        self._status, self._code = status, code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem(self._status, self._code, "ja", headers={"Connection": "close"})
        await response(scope, receive, send)


def _written(status: int, code: str) -> bytes:
    """A whole answer, for whoever has not said yet which language they read."""
    headers = {"Retry-After": "5"} if status in (429, 503) else {}
    request_id = request_ids.chosen(())
    headers |= {"Connection": "close", request_ids.HEADER: request_id}
    with request_ids.during(request_id):
        response = problem(status, code, "ja", headers=headers)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()]
    lines += [name + b": " + value for name, value in response.raw_headers]
    lines.append(b"x-content-type-options: nosniff")
    return b"\r\n".join([*lines, b"", bytes(response.body)])
