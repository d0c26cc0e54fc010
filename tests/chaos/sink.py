"""The receiver: a lean SMTP server (RFC 5321, with PIPELINING) that counts and misbehaves.

It takes no part in what it judges: it knows nothing of the record. What it has taken is counted
by Message-ID at the moment of the decision, before any answer.
"""

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

_EHLO: Final = (
    b"250-relay.example.jp\r\n250-PIPELINING\r\n250-SIZE 10485760\r\n250-8BITMIME\r\n"
    b"250 ENHANCEDSTATUSCODES\r\n"
)
_BUSY: Final = b"421 4.3.2 come back later\r\n"
_MESSAGE_ID: Final = re.compile(rb"^Message-ID:\s*(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
_SIMPLE: Final = {
    b"EHLO": _EHLO,
    b"HELO": b"250 relay.example.jp\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


class Stage(StrEnum):
    """Where in a conversation a storm of 421 breaks."""

    CONNECT = "connect"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    END = "end"  # after the final dot; the message is not taken


class Cut(StrEnum):
    """Where in a transaction the connection is cut."""

    BEFORE_DATA = "before_data"  # when DATA is asked for: nothing of the message went out
    DURING_DATA = "during_data"  # with the first bytes of the body; not taken
    LOST = "after_data_lost"  # after the final dot, before the answer; not taken
    KEPT = "after_data_kept"  # there, too, but the message was taken


@dataclass(frozen=True, slots=True)
class Manner:
    """How one transaction is treated. By itself: taken at once and answered with 250."""

    cut: Cut | None = None
    delay: float = 0.0  # seconds between the final dot and the answer
    late: bool = False  # with a delay: taken after it, and only if the client is still there


GOOD: Final = Manner()


class Sink:
    """Listens on loopback. ``copies``: Message-ID → SHA-256 of each DATA payload that was taken."""

    def __init__(self) -> None:
        self.port = 0
        self.copies: dict[str, list[bytes]] = {}
        self.accepted = 0  # copies in all
        self.cuts: dict[Cut, int] = dict.fromkeys(Cut, 0)  # transactions that were cut
        self.storm: Stage | None = None
        self._plan: deque[Manner] = deque()
        self._open: set[_Conversation] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen, on the same port as before."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Conversation(self), "127.0.0.1", self.port, backlog=512
        )
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop listening, and cut every connection."""
        if self._server is not None:
            self._server.close()
            self.cut_all()
            await self._server.wait_closed()
            self._server = None

    def cut_all(self) -> None:
        """Cut every connection, whatever stage it is in."""
        for conversation in tuple(self._open):
            conversation.abort()

    def plan(self, manners: Iterable[Manner]) -> None:
        """Treat the next transactions so, one after the other."""
        self._plan.extend(manners)

    def behave(self) -> None:
        """No misbehaviour from here on."""
        self._plan.clear()
        self.storm = None

    def manner(self) -> Manner:
        """Of the transaction that begins now."""
        return self._plan.popleft() if self._plan else GOOD

    def take(self, data: bytes) -> None:
        """Count a message."""
        found = _MESSAGE_ID.search(data.partition(b"\r\n\r\n")[0])
        name = found[1].decode("ascii", "replace") if found else ""
        self.copies.setdefault(name, []).append(hashlib.sha256(data).digest())
        self.accepted += 1

    def joined(self, conversation: "_Conversation") -> None:
        """Somebody connected."""
        self._open.add(conversation)

    def left(self, conversation: "_Conversation") -> None:
        """Somebody is gone."""
        self._open.discard(conversation)


class _Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = bytearray()
        self._seen = 0  # bytes of a body in which there is no end
        self._body = False
        self._manner = GOOD
        self._sender = self._reader = False  # of the present envelope
        self._waiting: asyncio.TimerHandle | None = None
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are so by their methods
        self._sink.joined(self)
        if self._sink.storm is Stage.CONNECT:
            self._refuse()
        else:
            self._transport.write(b"220 relay.example.jp ESMTP\r\n")

    def connection_lost(self, error: Exception | None) -> None:
        self._gone = True
        self._sink.left(self)

    def abort(self) -> None:
        """Cut without a word. What was to be decided later goes on: nobody tells it."""
        self._gone = True
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._go_on()

    def _go_on(self) -> None:
        while self._buffer and not self._gone and self._waiting is None:
            if not (self._read_body() if self._body else self._read_command()):
                return

    def _read_command(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if found:
            self._buffer = rest
            self._command(bytes(line[:4]).upper())
        return bool(found)

    def _command(self, verb: bytes) -> None:
        match verb:
            case b"MAIL":
                self._manner, self._sender, self._reader = self._sink.manner(), True, False
                self._answer(Stage.MAIL, b"250 2.1.0 Ok\r\n")
            case b"RCPT" if self._sender:
                self._reader = True
                self._answer(Stage.RCPT, b"250 2.1.5 Ok\r\n")
            case b"DATA" if self._reader:
                self._data()
            case b"RCPT" | b"DATA":
                self._transport.write(b"503 5.5.1 bad sequence of commands\r\n")
            case b"RSET":
                self._sender = self._reader = False
                self._transport.write(b"250 2.0.0 Ok\r\n")
            case _:
                self._transport.write(_SIMPLE.get(verb, b"502 5.5.1 unknown command\r\n"))
                if verb == b"QUIT":
                    self._part()

    def _data(self) -> None:
        if self._manner.cut is Cut.BEFORE_DATA:
            self._cut(Cut.BEFORE_DATA)
        elif self._answer(Stage.DATA, b"354 go ahead\r\n"):
            self._body, self._seen = True, 0

    def _read_body(self) -> bool:
        if self._manner.cut is Cut.DURING_DATA:
            self._cut(Cut.DURING_DATA)
            return False
        if self._buffer.startswith(b".\r\n"):
            end = -2
        else:
            end = self._buffer.find(b"\r\n.\r\n", max(0, self._seen - 4))
        if end == -1:
            self._seen = len(self._buffer)
            return False
        data, self._buffer = bytes(self._buffer[: end + 2]), self._buffer[end + 5 :]
        self._body = self._sender = self._reader = False
        self._end(_unstuffed(data))
        return True

    def _end(self, data: bytes) -> None:
        """The final dot is there: decide."""
        manner = self._manner
        if manner.cut is not None:
            if manner.cut is Cut.KEPT:
                self._sink.take(data)
            self._cut(manner.cut)
        elif self._sink.storm is Stage.END:
            self._refuse()
        elif not manner.delay:
            self._take(data)
        else:
            if not manner.late:
                self._sink.take(data)
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_later(manner.delay, self._after, data, manner.late)

    def _take(self, data: bytes) -> None:
        self._sink.take(data)
        self._transport.write(b"250 2.0.0 Ok: queued\r\n")

    def _after(self, data: bytes, late: bool) -> None:
        self._waiting = None
        if self._gone:
            return
        if late:
            self._take(data)
        else:
            self._transport.write(b"250 2.0.0 Ok: queued\r\n")
        self._go_on()

    def _answer(self, stage: Stage, words: bytes) -> bool:
        """Answer a command, unless a storm breaks at this stage."""
        if self._sink.storm is stage:
            self._refuse()
            return False
        self._transport.write(words)
        return True

    def _refuse(self) -> None:
        self._transport.write(_BUSY)
        self._part()

    def _part(self) -> None:
        self._gone = True
        self._transport.close()

    def _cut(self, cut: Cut) -> None:
        self._sink.cuts[cut] += 1
        self.abort()


def _unstuffed(data: bytes) -> bytes:
    """The payload as it was before dot-stuffing (RFC 5321 4.5.2)."""
    return (b"\r\n" + data).replace(b"\r\n..", b"\r\n.")[2:]
