"""Locks between processes on files. The kernel gives them back when a process dies."""

import fcntl
from pathlib import Path
from types import TracebackType
from typing import Self

from notifier.files import opener


class FileLock:
    """An advisory lock on a file, which is made when missing and never removed."""

    def __init__(self, path: Path) -> None:
        # Not inherited by programs that we start, so no child keeps it alive.
        self._file = open(path, "ab", opener=opener)  # noqa: SIM115 (held for long)

    def share(self, *, wait: bool = True) -> bool:
        """Hold it together with others; False if refused (only without ``wait``)."""
        return self._flock(fcntl.LOCK_SH, wait=wait)

    def take(self, *, wait: bool = True) -> bool:
        """Hold it alone; False if refused (only without ``wait``)."""
        return self._flock(fcntl.LOCK_EX, wait=wait)

    def _flock(self, kind: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(self._file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Give it back; it can be taken again."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give it back for good."""
        self._file.close()

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
