"""A receiver that says when it took which mail: ``python -m tests.bench.receiver PORT DOMAIN LOG``.

It speaks just enough SMTP (with PIPELINING), throws the mails away, and writes a line to the log,
``MONOTONIC ADDRESS``, for every mail to an address in the watched domain. It counts the others in
``LOG.count``, once a second.
"""

import argparse
import asyncio
import os
import signal
from pathlib import Path
from time import monotonic
from typing import Final, cast

import uvloop

_GREETING: Final = b"220 receiver.example.jp ESMTP\r\n"
_EHLO: Final = b"250-receiver.example.jp\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 52428800\r\n"
_ANSWERS: Final = {
    b"EHLO": _EHLO,
    b"HELO": b"250 receiver.example.jp\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}
_END: Final = b"\r\n.\r\n"


class Desk:
    """What all connections write to."""

    def __init__(self, domain: str, log: Path) -> None:
        self._watched = f"@{domain}>".encode()
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.taken = 0

    def take(self, recipient: bytes) -> None:
        """A mail was answered with 250."""
        self.taken += 1
        if self._watched in recipient:
            address = recipient.partition(b"<")[2].partition(b">")[0].decode()
            os.write(self._log, f"{monotonic():.6f} {address}\n".encode())


class Conversation(asyncio.Protocol):
    """One connection."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._buffer = bytearray()
        self._recipient = b""
        self._in_data = False
        self._searched = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass
        self._transport.write(_GREETING)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._body() if self._in_data else self._command():
            pass

    def _command(self) -> bool:
        """Answer one command; False without a whole one."""
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        verb = bytes(line[:4]).upper()
        self._transport.write(_ANSWERS.get(verb, b"502 5.5.2 Unknown\r\n"))
        if verb == b"RCPT":
            self._recipient = bytes(line)
        elif verb == b"DATA":
            # A mail without any line at all would end at once; ours have headers.
            self._in_data, self._searched = True, 0
        elif verb == b"QUIT":
            self._transport.close()
        return True

    def _body(self) -> bool:
        """Take one mail; False without its end."""
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_END))
            return False
        del self._buffer[: end + len(_END)]
        self._in_data = False
        self._transport.write(b"250 2.0.0 Ok\r\n")
        self._desk.take(self._recipient)
        return True


async def _run(given: argparse.Namespace) -> None:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, done.set)
    desk = Desk(given.domain, given.log)
    server = await loop.create_server(
        lambda: Conversation(desk), "127.0.0.1", given.port, backlog=1024
    )
    count = given.log.with_suffix(".count")
    async with server:
        while not done.is_set():
            await asyncio.to_thread(count.write_text, str(desk.taken))
            await asyncio.wait([asyncio.create_task(done.wait())], timeout=1.0)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("domain")
    parser.add_argument("log", type=Path)
    uvloop.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
