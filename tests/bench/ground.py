"""The ground that we and the peers share: one sink, one PostgreSQL, one Redis, one kind of mail."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from notifier.runtime.engines import Engines
from tests.bench.house import House
from tests.bench.sink import Sink

#: Connections to the sink of each process. ``smtp-source`` is slower with twice as many.
SESSIONS: Final = 64
_PARTING: Final = 10.0  # seconds that a program may take to end


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a contestant may use."""

    engines: Engines
    folder: Path
    house: House
    sink: Sink
    peers: Path  # where peers are installed
    size: int  # bytes of a mail of ours, on average


class Contestant(Protocol):
    """One who sends mail to the sink as fast as it can."""

    @property
    def label(self) -> str:
        """Its name, and the settings that it runs with."""

    async def run(self) -> float:
        """Messages a second in a steady state. Raises what goes wrong."""


#: What brings a contestant to the ground, and takes it away again.
Opener = Callable[[Ground], AbstractAsyncContextManager[Contestant]]


@asynccontextmanager
async def program(
    *command: str, log: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """A program within; it is ended at the end, with its children. It speaks to ``log``."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=out, stderr=out, env=env, start_new_session=True
        )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(_PARTING):
            await process.wait()
    except TimeoutError:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def done(*command: str, log: Path, env: Mapping[str, str] | None = None) -> None:
    """Run a program to its end. Raises RuntimeError with its last words if it fails."""
    async with program(*command, log=log, env=env) as process:
        if await process.wait():
            raise RuntimeError(f"{Path(command[0]).name}: {last_words(log)}")


def last_words(log: Path) -> str:
    """The end of what a program said."""
    return log.read_text(errors="replace")[-600:].strip()
