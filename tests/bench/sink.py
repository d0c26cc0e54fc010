"""The sink: ``smtp-sink`` of Postfix, which takes mail, counts it and throws it away."""

import asyncio
import contextlib
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from notifier.demo.crew import free_port, listening
from tests.bench.figures import Absent

_PATH: Final = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
_COUNT: Final = re.compile(rb"mesg=(\d+)\r")
_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Sink:
    """Where it listens, and what it has counted."""

    port: int
    counts: Path

    def count(self) -> int:
        """Messages taken so far: final dots that were answered with 250."""
        size = self.counts.stat().st_size
        with self.counts.open("rb") as file:
            file.seek(max(0, size - 256))
            found = _COUNT.findall(file.read())
        return int(found[-1]) if found else 0


def program(name: str) -> str:
    """Where a program of Postfix is. Raises :class:`Absent`."""
    found = shutil.which(name, path=_PATH)
    if found is None:
        raise Absent(f"{name} is not installed (Debian package postfix)")
    return found


@asynccontextmanager
async def sink(folder: Path) -> AsyncIterator[Sink]:
    """A sink of its own process within. Raises :class:`Absent`."""
    port, counts = free_port(), folder / "sink.count"
    # It prints its counters after every message; a file takes them without waking anybody.
    command = [program("smtp-sink"), "-c", *_account(), f"127.0.0.1:{port}", str(_BACKLOG)]
    with counts.open("wb") as out, (folder / "sink.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, stdout=out, stderr=log)
    try:
        await listening(port)
        yield Sink(port, counts)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        counts.unlink(missing_ok=True)


def _account() -> tuple[str, ...]:
    """As root it asks for an account to run under."""
    return ("-u", "nobody") if os.geteuid() == 0 else ()
