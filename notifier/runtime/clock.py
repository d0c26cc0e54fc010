"""The time of day, as the house reads it."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from notifier import files

from .settings import BadSettings, Settings


class Clock:
    """Now, in UTC; for rehearsals shifted by what a file says.

    The file holds signed seconds as text (``-86400.5``). It is looked at on every call, so that
    all processes of a rehearsal move together; while it is missing there is no shift.
    """

    def __init__(self, shift_file: Path | None = None) -> None:
        self._file = shift_file
        self._seen: tuple[int, int, int] | None = None
        self._shift = timedelta()

    def now(self) -> datetime:
        """The aware time in UTC. Raises :class:`BadSettings` if the file holds no number."""
        return datetime.now(UTC) + self.shift

    @property
    def shift(self) -> timedelta:
        """By how much this clock is ahead of the machine's."""
        if self._file is not None:
            self._look(self._file)
        return self._shift

    def _look(self, file: Path) -> None:
        try:
            stat = file.stat()
        except FileNotFoundError:
            self._seen, self._shift = None, timedelta()
            return
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen != self._seen:
            # While it cannot be opened (too many files are) the clock goes on as it went.
            with contextlib.suppress(OSError):
                self._shift = _read(file)
                self._seen = seen


def _read(file: Path) -> timedelta:
    text = file.read_text().strip()
    try:
        return timedelta(seconds=float(text))
    except (ValueError, OverflowError):
        raise BadSettings(f"{file}: signed seconds are expected, not {text[:40]!r}") from None


def clock_of(settings: Settings) -> Clock:
    """The clock of a process: shifted only where the settings allow a rehearsal."""
    return Clock(settings.clock_file)


def turn(file: Path, shift: timedelta) -> None:
    """Set a rehearsal's clock; readers see the old shift or the new one, nothing between."""
    fresh = file.with_name(f"{file.name}.new")
    files.write(fresh, f"{shift.total_seconds()}\n")
    fresh.replace(file)
