"""The terminal as a person has it: ``notifier`` in a process of its own."""

import asyncio
import atexit
import io
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing.reduction import DupFd
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from typer.testing import CliRunner

from notifier import cli, files
from notifier.cli import main
from notifier.cli.app import app
from notifier.cli.permissions import asks_for_code
from notifier.runtime.clock import turn
from notifier.runtime.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

#: Processes begin as copies of one that has loaded the program: to start Python and load it takes
#: a second, of which the tests would see hundreds.
_COPIES = multiprocessing.get_context("forkserver")
_COPIES.set_forkserver_preload(
    [
        *(
            f"notifier.cli.{module.name}"
            for module in iter_modules(cli.__path__)
            if module.name[0] != "_"
        ),
        *("notifier.app.event_intake", "notifier.rendering.writer", "notifier.delivery.wake_up"),
        *("alembic.command", "uvloop", "asyncpg", "structlog"),
    ]
)


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The variables that say to a process what ``settings`` say."""
    [relay] = settings.relays
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "NOTIFIER_VAR": str(settings.var),
        "NOTIFIER_DATABASE_URL": settings.database_url or "",
        "NOTIFIER_DATABASE_OWNER_URL": settings.database_owner_url or "",
        "NOTIFIER_REDIS_URL": settings.redis_url or "",
        "NOTIFIER_RELAY_HOST": relay.host,
        "NOTIFIER_RELAY_PORT": str(relay.port),
        "NOTIFIER_RELAY_TLS": "none",
        "NOTIFIER_CLOCK_FILE": str(settings.var / "clock"),
        "NOTIFIER_SESSION": str(settings.var / "session"),
        "NOTIFIER_PASSWORD_MEMORY_KIB": "8192",
        "NOTIFIER_PASSWORD_PASSES": "1",
        **more,
    }


class Terminal:
    """Runs verbs on the house of ``settings``, at a time of day that the test says."""

    def __init__(self, settings: Settings, now: datetime) -> None:
        settings.var.mkdir(exist_ok=True)
        self.settings = settings
        self._codes: list[str] = []
        self.set_time(now)

    def sign_in(self, token: str, codes: Sequence[str]) -> None:
        """Act from now on as whoever has this session and these recovery codes."""
        files.write(self.settings.var / "session", token)
        self._codes = list(codes)

    def _coded(self, words: Sequence[str]) -> Sequence[str]:
        """The words, with a code where the verb asks for one and there is none among them."""
        verb = next((v for v in (" ".join(words[:n]) for n in (1, 2)) if asks_for_code(v)), None)
        return ("--code", self._codes.pop(), *words) if verb and self._codes else words

    def set_time(self, now: datetime) -> None:
        turn(self.settings.var / "clock", now - datetime.now(UTC))

    def __call__(
        self, *words: str, given: bytes = b"", code: int = 0, env: Mapping[str, str] | None = None
    ) -> str:
        """Run a verb; its output, standard error after standard output.

        It must end with ``code``, and never with a traceback.
        """
        with TemporaryFile() as taken, TemporaryFile() as out, TemporaryFile() as err:
            taken.write(given)
            taken.seek(0)
            streams = [DupFd(one.fileno()) for one in (taken, out, err)]
            process = _COPIES.Process(
                target=_verb,
                args=(self._coded(words), environment(self.settings, **(env or {})), streams),
            )
            process.start()
            process.join()
            said = (_all_of(out) + _all_of(err)).decode()
        assert "Traceback" not in said
        assert process.exitcode == code, said
        return said

    async def within(self, *words: str, code: int = 0) -> str:
        """Run a verb in a thread of this process: for tables of many inputs."""
        runner = CliRunner(env=environment(self.settings))
        result = await asyncio.to_thread(runner.invoke, app, list(self._coded(words)))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        assert result.exit_code == code, result.output
        return result.output


def _verb(words: Sequence[str], env: Mapping[str, str], streams: Sequence[Any]) -> None:
    """What ``python -m notifier.cli WORDS`` does, with these three streams and this environment."""
    for number, stream in enumerate(streams):
        os.dup2(stream.detach(), number)
    sys.stdin = io.TextIOWrapper(io.FileIO(0))  # multiprocessing has given it another one
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["notifier", *words]
    try:
        main()
    finally:
        atexit._run_exitfuncs()  # which a copy leaves out


def _all_of(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
