"""The processes of the rehearsal: relay, HTTP, worker. One that dies is started again."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from notifier.files import opener, write
from notifier.runtime.settings import PREFIX


class Crew:
    """Processes that run until the end of the ``async with`` block."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        own = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        self._folder, self._environment = folder, {**own, **environment}
        self._keepers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Crew":
        return self

    async def __aexit__(self, *_: object) -> None:
        for keeper in reversed(self._keepers):
            keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await keeper

    def keep(self, name: str, *command: str) -> None:
        """Run ``python -m COMMAND`` and start it again whenever it ends.

        Its output is in ``<name>.log``, its process id in ``<name>.pid``.
        """
        self._keepers.append(asyncio.create_task(self._keep(name, command)))

    async def _keep(self, name: str, command: Sequence[str]) -> None:
        while True:
            with open(self._folder / f"{name}.log", "ab", opener=opener) as log:  # noqa: ASYNC230
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", *command, stdout=log, stderr=log, env=self._environment
                )
            write(self._folder / f"{name}.pid", f"{process.pid}\n")
            try:
                await process.wait()
            except asyncio.CancelledError:
                await _end(process)
                raise
            await asyncio.sleep(0.2)

    async def run(self, *command: str) -> str:
        """Run ``python -m COMMAND`` to its end; its output. Raises if it fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        told, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)}: {told.decode()}")
        return told.decode()


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(20):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def free_port() -> int:
    """A port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def listening(port: int, *, seconds: float = 30.0) -> None:
    """Wait until something answers on a port of loopback. Raises :class:`TimeoutError`."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            await writer.wait_closed()
            return
