"""SMTP: replies in and commands out on an open connection, and the parameters of DSN (RFC 3461).

aiosmtplib makes the connection (greeting, TLS, login) and hands it over. From then on commands
can go out several at a time (PIPELINING, RFC 2920), which the library's own protocol does not do,
and a transaction takes two wake-ups in place of four.

A relay reports to the return path, which names the message, and under the sender's own name for the
envelope (ENVID), which names the attempt. That name is ``token.number``: the number of an attempt
within its message is known when the mail is written, its id on record only with the permit, and an
id that counts all mail of an association is nobody else's business.
"""

import asyncio
import re
from collections import deque
from typing import Final

from notifier.model.relay import Dsn

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


_MOST_ENVID: Final = 100  # characters of the encoded value, RFC 3461 4.4
_MOST_ORCPT: Final = 500  # of the whole value with its type, RFC 3461 4.2
_ENVID: Final = re.compile(r"([a-z0-9]{26})\.([1-9][0-9]{0,8})")
_NOTIFY: Final = {
    Dsn.FAILURE: " NOTIFY=FAILURE,DELAY",
    Dsn.SUCCESS: " NOTIFY=SUCCESS,FAILURE,DELAY",
}
#: What xtext writes otherwise, of printable ASCII.
_ENCODED: Final = frozenset(" +=")
_XTEXT: Final = {ord(sign): f"+{ord(sign):02X}" for sign in _ENCODED}


def envelope_id(token: str, number: int) -> str:
    """Our name for the envelope of a message's attempt ``number`` (1 for the first)."""
    return f"{token}.{number}"


def attempt_of(envid: str) -> tuple[str, int] | None:
    """Token and number of the attempt that an ``Original-Envelope-Id`` names; None: not ours.

    Relays should decode it before they quote it (RFC 3464 2.2.1); in ours nothing is encoded.
    """
    found = _ENVID.fullmatch(envid.strip())
    return (found[1], int(found[2])) if found else None


def xtext(text: str) -> str:
    """``text`` in xtext (RFC 3461 4). Raises ValueError unless it is printable ASCII."""
    if not (text.isascii() and text.isprintable()):
        raise ValueError("only printable ASCII can be written as xtext")
    return text if _ENCODED.isdisjoint(text) else text.translate(_XTEXT)


def mail_parameters(envid: str, asked: Dsn) -> str:
    """Parameters of MAIL for a relay that offers DSN, each with a space before it.

    Only the headers are asked back: the bytes are in our archive, and a report that quotes a body
    is one more copy of personal data. A name that is too long, or that cannot be written, is left
    out; the return path still names the message.
    """
    if asked is Dsn.OFF:
        return ""
    named = _within(envid, _MOST_ENVID)
    return f" RET=HDRS ENVID={named}" if named else " RET=HDRS"


def recipient_parameters(address: str, asked: Dsn) -> str:
    """Parameters of RCPT for a relay that offers DSN; ``address`` in its SMTP form.

    The address that we wrote to comes back as ``Original-Recipient``, however often it was
    forwarded on the way. One that is too long once it is encoded is left out.
    """
    if asked is Dsn.OFF:
        return ""
    kind = "rfc822;"
    original = _within(address, _MOST_ORCPT - len(kind))
    return f"{_NOTIFY[asked]} ORCPT={kind}{original}" if original else _NOTIFY[asked]


def _within(text: str, most: int) -> str:
    """``text`` as xtext, or nothing."""
    try:
        written = xtext(text)
    except ValueError:
        return ""
    return written if len(written) <= most else ""
