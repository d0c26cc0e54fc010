"""BullMQ + Nodemailer: jobs on Redis, HTML and text filled for each reader, a pooled transport."""

import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from tests.bench.figures import Absent
from tests.bench.ground import SESSIONS, Contestant, Ground, done, program
from tests.bench.meter import Meter
from tests.bench.peers import wording

_SCRIPT: Final = Path(__file__).with_suffix(".mjs")
_PACKAGES: Final = ("bullmq", "nodemailer", "ioredis")
_QUEUE: Final = "bench"
_CONCURRENCY: Final = 2 * SESSIONS  # jobs under way: while one waits for the wire, one is rendered
_MAILS: Final = 10_000


class BullMq:
    """One Node process. Nothing is recorded: a job that is done is gone."""

    def __init__(self, script: Path, env: Mapping[str, str], ground: Ground, label: str) -> None:
        self._script, self._env, self._ground = script, env, ground
        self.label = label

    async def run(self) -> float:
        """Queue all jobs, then work them off; messages a second."""
        log = self._ground.folder / "bullmq.log"
        await done("node", str(self._script), "fill", log=log, env=self._env)
        meter = Meter(self._ground.sink, _MAILS)
        async with program("node", str(self._script), "work", log=log, env=self._env) as process:
            return await meter.rate_of(process, log)


@asynccontextmanager
async def opened(ground: Ground) -> AsyncIterator[Contestant]:
    """Installs what npm has to give. Raises :class:`Absent` without Node and npm."""
    home = await _installed(ground.peers)
    texts, people = wording.write(home, _MAILS)
    given = {
        "queue": _QUEUE,
        "redis": unquote(urlsplit(ground.engines.urls.redis).path),
        "port": ground.sink.port,
        "connections": SESSIONS,
        "concurrency": _CONCURRENCY,
        "template": str(texts.resolve()),
        "readers": str(people.resolve()),
    }
    versions = " + ".join(_version(home, package) for package in _PACKAGES[:2])
    label = f"{versions}, 1 process, {SESSIONS} pooled connections, concurrency {_CONCURRENCY}"
    env = {**os.environ, "NODE_ENV": "production", "PEER": json.dumps(given)}
    yield BullMq(home / _SCRIPT.name, env, ground, label)


async def _installed(peers: Path) -> Path:
    if not (shutil.which("node") and shutil.which("npm")):
        raise Absent("node and npm are not installed")
    home = peers / "bullmq"
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(_SCRIPT, home)
    if not all((home / "node_modules" / package).is_dir() for package in _PACKAGES):
        how = ("npm", "install", "--no-audit", "--no-fund", "--prefix", str(home))
        try:
            await done(*how, *_PACKAGES, log=home / "install.log")
        except RuntimeError as error:
            raise Absent(f"npm packages could not be installed: {error}") from error
    return home


def _version(home: Path, package: str) -> str:
    told = json.loads((home / "node_modules" / package / "package.json").read_text())
    return f"{package} {told['version']}"
