"""django-post_office on PostgreSQL: its queue, its templates, its command, one or two processes."""

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from notifier.store.db import connect
from tests.bench import mailing
from tests.bench.figures import Absent
from tests.bench.ground import Contestant, Ground, Opener, done, program
from tests.bench.house import drop, fresh
from tests.bench.meter import Meter
from tests.bench.peers import wording

_SITE: Final = Path(__file__).with_name("post_office_site.py")
_PACKAGES: Final = ("django", "django-post_office", "psycopg[binary]")
_BATCH: Final = 400  # for each process; it renders a batch, then sends it
_BATCHES: Final = 10
_THREADS: Final = 5  # its default
_LOG_LEVEL: Final = 2  # its default: every delivery is logged


class PostOffice:
    """``send_queued_mail``."""

    def __init__(self, python: str, given: dict[str, Any], url: str, ground: Ground) -> None:
        self._python, self._given, self._url, self._ground = python, given, url, ground
        self._log = ground.folder / f"post-office-{given['processes']}.log"
        self.label = ""

    async def prepare(self) -> None:
        """Make its tables and its template; learn its name."""
        await self._do("versions")
        processes = self._given["processes"]
        told = self._log.read_text().strip()
        self.label = (
            f"{told}, {processes} {'process' if processes == 1 else 'processes'} with "
            f"{_THREADS} connections each, batches of {self._given['batch']}, "
            "rendered on delivery, log level 2"
        )
        await self._do("prepare")

    async def run(self) -> float:
        """Fill the queue, then send it; messages a second."""
        await self._do("fill")
        engine = connect(self._url, size=1)
        try:
            await mailing.tidy(engine)
        finally:
            await engine.dispose()
        meter = Meter(self._ground.sink, self._given["mails"])
        async with program(*self._command("send"), log=self._log, env=self._env) as process:
            rate = await meter.rate_of(process, self._log)
            if await process.wait():
                raise RuntimeError(self._log.read_text()[-600:])
        return rate

    async def _do(self, what: str) -> None:
        await done(*self._command(what), log=self._log, env=self._env)

    def _command(self, what: str) -> tuple[str, ...]:
        return self._python, str(_SITE), what

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, "PEER": json.dumps(self._given)}


def opener(processes: int) -> Opener:
    """What opens it with so many processes."""

    @asynccontextmanager
    async def opened(ground: Ground) -> AsyncIterator[Contestant]:
        python = await _installed(ground.peers)
        mails = _BATCHES * _BATCH * processes
        texts, people = wording.write(ground.peers / "post_office", mails)
        name = f"bench_post_office_{processes}"
        url = await fresh(ground.engines, name)
        given = {
            "database": name,
            "database_host": parse_qs(urlsplit(url).query)["host"][0],
            "port": ground.sink.port,
            "processes": processes,
            "threads": _THREADS,
            "batch": _BATCH * processes,
            "mails": mails,
            "log_level": _LOG_LEVEL,
            "lock": str((ground.folder / f"{name}.lock").resolve()),
            "template": str(texts.resolve()),
            "readers": str(people.resolve()),
        }
        peer = PostOffice(python, given, url, ground)
        try:
            await peer.prepare()
            yield peer
        finally:
            await drop(ground.engines, name)

    return opened


async def _installed(peers: Path) -> str:
    """The Python of an environment that has Django. Raises :class:`Absent`."""
    home = peers / "post_office"
    python, stamp = home / "venv" / "bin" / "python", home / "installed"
    if not stamp.exists():
        home.mkdir(parents=True, exist_ok=True)
        log = home / "install.log"
        try:
            await done(sys.executable, "-m", "venv", "--clear", str(home / "venv"), log=log)
            pip = (str(python), "-m", "pip", "--disable-pip-version-check", "--no-input")
            await done(*pip, "install", "--quiet", *_PACKAGES, log=log)
        except RuntimeError as error:
            raise Absent(f"Django could not be installed: {error}") from error
        stamp.touch()
    return str(python)
