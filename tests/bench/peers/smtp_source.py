"""``smtp-source`` of Postfix: prepared messages over kept connections, in C. The limit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from tests.bench.ground import SESSIONS, Contestant, Ground, program
from tests.bench.meter import Meter
from tests.bench.sink import program as found

_MAILS: Final = 30_000


class SmtpSource:
    """It renders nothing, reads no queue and records nothing."""

    def __init__(self, path: str, ground: Ground) -> None:
        self._path, self._ground = path, ground

    @property
    def label(self) -> str:
        return f"smtp-source -d -s {SESSIONS} -l {self._ground.size}"

    async def run(self) -> float:
        """Send; messages a second."""
        meter = Meter(self._ground.sink, _MAILS)
        how = ("-d", "-s", str(SESSIONS), "-m", str(_MAILS), "-l", str(self._ground.size))
        who = ("-f", "bench@bounce.example.jp", "-t", "member@mail.example.jp")
        log = self._ground.folder / "smtp-source.log"
        target = f"127.0.0.1:{self._ground.sink.port}"
        async with program(self._path, *how, *who, target, log=log) as process:
            return await meter.rate_of(process, log)


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[Contestant]:
    """Raises :class:`~tests.bench.figures.Absent` without Postfix."""
    yield SmtpSource(found("smtp-source"), ground)
