"""The wire: an open connection to a relay, commands out and replies in.

aiosmtplib makes the connection (greeting, TLS, login) and hands it over. From then on commands
can go out several at a time (PIPELINING, RFC 2920), which the library's own protocol does not do,
and a transaction takes two wake-ups in place of four.
"""

import asyncio
from collections import deque
from typing import Final

_LONGEST: Final = 1 << 16  # bytes of replies that nobody has asked for, or that never end

#: Code and text; the lines of a longer reply are parted by line breaks.
Answer = tuple[int, str]


class WireBroken(Exception):
    """The connection has ended, fell silent, or says what is no SMTP."""


class Wire(asyncio.Protocol):
    """Reads replies in the order in which they come. One reader at a time."""

    def __init__(self, transport: asyncio.Transport) -> None:
        """Takes over an open connection on which nothing is outstanding."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._lines: list[str] = []  # of a reply that goes on
        self._answers: deque[Answer] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._patience = self._deadline = 0.0  # of the present wait: seconds; until when
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._broken: str | None = None
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether the connection stands, as far as we have heard."""
        return self._broken is None and not self._transport.is_closing()

    @property
    def is_quiet(self) -> bool:
        """Whether no reply has come that nobody asked for."""
        return not (self._answers or self._lines or self._buffer)

    def write(self, *parts: bytes) -> None:
        """Send. Raises :class:`WireBroken` if nothing of it can go out."""
        if not self.is_open:
            raise WireBroken(self._broken or "closed")
        self._transport.writelines(parts)

    async def answer(self, *, seconds: float) -> Answer:
        """The next reply. Raises :class:`WireBroken`."""
        while not self._answers:
            if self._broken is not None:
                raise WireBroken(self._broken)
            self._waiter = self._loop.create_future()
            self._expect_within(seconds)
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._answers.popleft()

    def _expect_within(self, seconds: float) -> None:
        """See to it that the wait ends.

        One timer serves many replies, since it costs more to set one than to read a reply: when
        it is due and the present wait is not, it is set anew for that.
        """
        self._patience, self._deadline = seconds, self._loop.time() + seconds
        if self._timer is not None and self._timer_at > self._deadline:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            self._break(f"no reply for {self._patience:g} s")

    def close(self) -> None:
        """Close without a word."""
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        self._buffer += data
        *lines, self._buffer = self._buffer.split(b"\n")
        for line in lines:
            if self._broken is None:
                self._take(line)
        waiting = len(self._buffer) + sum(map(len, self._lines)) + len(self._answers) * 8
        if waiting > _LONGEST:
            self._break("too long a reply")
        if self._answers:
            self._wake()

    def _take(self, line: bytes) -> None:
        code = line[:3]
        if not (code.isdigit() and len(code) == 3 and line[3:4] in {b" ", b"-", b"", b"\r"}):
            self._break(f"not a reply: {line[:80]!r}")
            return
        text = line[4:].strip(b" \t\r").replace(b"\0", b"?")  # which PostgreSQL takes for no text
        self._lines.append(text.decode("utf-8", "replace"))
        if line[3:4] != b"-":
            self._answers.append((int(code), "\n".join(self._lines)))
            self._lines = []

    def eof_received(self) -> bool:
        """The relay will say no more."""
        self._break("closed by the relay")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._break(f"{type(exc).__name__}: {exc}" if exc else "connection lost")

    def _break(self, why: str) -> None:
        """Nothing more is to be had of it; what has been read stands."""
        if self._broken is None:
            self._broken = why
            self._transport.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
