"""The log of a relay on this host, followed while it grows.

How far it has been read (the file's number and a place in it) goes on record in the transaction in
which the lines take effect. A log that was moved aside is read to its end first.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.delivery.relay_log import LogReader
from notifier.logs import get_logger
from notifier.model.actor import Actor, system
from notifier.model.lines import lines_of
from notifier.store import refusals, returns

from .effect import apply
from .relay_log import BACK, told

log = get_logger(__name__)

_CHUNK: Final = 262_144  # bytes in one transaction: some thousand lines
_GLANCE: Final = 2.0  # seconds between two looks
_NUMBER: Final = (1 << 63) - 1  # numbers of files are unsigned, those of the record are not


@dataclass(kw_only=True)
class LogFollower:
    """Follows one log until it is told to stop."""

    engine: AsyncEngine
    path: Path
    bounce_domain: str
    now: Callable[[], datetime]
    actor: Actor = field(default_factory=lambda: system("track"))
    direct: Sequence[str] = ()  # labels of direct relays
    _reader: LogReader | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow it until ``stop``; what breaks is tried again."""
        while not stop.is_set():
            try:
                while await self.look() and not stop.is_set():
                    pass
            except Exception as error:  # noqa: BLE001 (file or record: all begin anew)
                self._reader = None
                log.warning("relay log away", path=str(self.path), error=type(error).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GLANCE):
                    await stop.wait()

    async def look(self) -> bool:
        """Take the next lines to their messages; False when there are none. Raises OSError."""
        if self._reader is None:
            async with self.engine.connect() as conn:
                known = await refusals.queue_ids(conn, since=self.now() - BACK)
            self._reader = LogReader(self.bounce_domain, known)
        source = f"log:{self.path}"[:200]
        async with self.engine.begin() as conn:
            generation, position = await returns.cursor(conn, source)
            found = await asyncio.to_thread(_next, self.path, generation, position)
            if found is None:
                return False
            generation, position, data = found
            lines = lines_of(data.decode("utf-8", "replace"))
            given = list(told(self._reader.read(lines)))
            now = self.now()
            await apply(conn, given, actor=self.actor, now=now, direct=self.direct)
            await returns.move_cursor(conn, source, generation, position, now=now)
        return True


def _next(path: Path, generation: int, position: int) -> tuple[int, int, bytes] | None:
    """Whole lines after a place: the file's number, the place after them, and they themselves."""
    last = _numbered(path, generation)
    if last is not None and last.stat().st_size < position:  # it was emptied in its place
        return generation, 0, b""
    if last is not None and (data := _lines(last, position)):
        return generation, position + len(data), data
    number = _number(path)
    if number == generation or not (data := _lines(path, 0)):
        return None
    return number, len(data), data


def _number(path: Path) -> int:
    return path.stat().st_ino & _NUMBER


def _numbered(path: Path, generation: int) -> Path | None:
    """The log that was read last, wherever it has been moved in its folder."""
    for one in (path, *sorted(path.parent.glob(f"{path.name}*"))):
        if one.exists() and _number(one) == generation:
            return one
    return None


def _lines(path: Path, position: int) -> bytes:
    """The next whole lines; of a line that is longer than what is read, a piece."""
    with path.open("rb") as file:
        file.seek(position)
        data = file.read(_CHUNK)
    end = data.rfind(b"\n") + 1
    return data[:end] if end or len(data) < _CHUNK else data
