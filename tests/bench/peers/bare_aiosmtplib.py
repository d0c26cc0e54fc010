"""Bare aiosmtplib: one prepared message over kept connections; no queue, no record."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiosmtplib
import uvloop

from tests.bench.ground import SESSIONS, Contestant, Ground, program
from tests.bench.meter import Meter

_MAILS: Final = 15_000
_LINE: Final = b"X" * 74 + b"\r\n"


class BareAiosmtplib:
    """One process on uvloop."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    @property
    def label(self) -> str:
        return f"aiosmtplib {aiosmtplib.__version__}, uvloop, {SESSIONS} connections"

    async def run(self) -> float:
        """Send; messages a second."""
        meter = Meter(self._ground.sink, _MAILS)
        log = self._ground.folder / "aiosmtplib.log"
        given = (str(self._ground.sink.port), str(self._ground.size))
        command = (sys.executable, "-m", "tests.bench.peers.bare_aiosmtplib", *given)
        async with program(*command, log=log) as process:
            return await meter.rate_of(process, log)


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[Contestant]:
    """It comes with the engine itself."""
    yield BareAiosmtplib(ground)


async def _send(port: int, size: int) -> None:
    head = b"From: <bench@example.jp>\r\nTo: <member@mail.example.jp>\r\nSubject: bench\r\n\r\n"
    message = head + _LINE * (max(0, size - len(head)) // len(_LINE))
    left = iter(range(_MAILS))

    async def one() -> None:
        smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False)
        async with smtp:
            for _ in left:
                await smtp.sendmail("bench@example.jp", ["member@mail.example.jp"], message)

    await asyncio.gather(*(one() for _ in range(SESSIONS)))


def main() -> None:
    """``PORT SIZE``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("size", type=int)
    given = parser.parse_args()
    uvloop.run(_send(given.port, given.size))


if __name__ == "__main__":
    main()
