"""The worker's journal: which transmissions it began and what was answered.

One file per worker, locked for as long as its process lives. A line is handed to the operating
system before the next step is taken, so that it survives the process (a lost disk or host is
what the permit in the record is for).
"""

import fcntl
import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson

from .reply import Reply

SUFFIX: Final = ".journal"
_LARGE: Final = 1 << 20  # bytes from which an idle journal begins anew


class Journal:
    """An open journal. Made with :meth:`create`."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        self._size = 0

    @classmethod
    def create(cls, folder: Path, worker_id: UUID) -> "Journal":
        """Begin the journal of a worker."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh, path = folder / f".{worker_id}.new", folder / f"{worker_id}{SUFFIX}"
        fd = os.open(
            fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        # Locked before it has its name: nobody can take it for the journal of a dead worker.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fresh.rename(path)
        return cls(path, fd)

    def begin(self, attempt_id: int) -> None:
        """The body of an attempt is about to be written. Raises OSError: then it must not be."""
        self._write({"b": attempt_id})

    def reply(self, attempt_id: int, reply: Reply) -> None:
        """An attempt has ended."""
        self._write({"r": attempt_id, "reply": reply.to_json()})

    def _write(self, line: dict[str, object]) -> None:
        # The line break before it keeps a line whole that follows a torn one.
        data = b"\n" + orjson.dumps(line) + b"\n"
        if os.write(self._fd, data) != len(data):
            raise OSError("the journal could not be written")
        self._size += len(data)

    def rest(self) -> None:
        """Nothing is outstanding: all that stands here is on record."""
        if self._size > _LARGE:
            os.ftruncate(self._fd, 0)
            self._size = 0

    def close(self, *, remove: bool) -> None:
        """End the journal; remove it only if nothing in it is outstanding."""
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._fd)


@dataclass(frozen=True, slots=True)
class Orphan:
    """The journal of a worker that is dead."""

    worker_id: UUID
    begun: frozenset[int]
    replies: dict[int, Reply]


def orphans(folder: Path) -> Generator[Orphan, None, None]:
    """Go through the journals of dead workers; each is removed when the next one is asked for.

    A journal stays if dealing with it raises; close the generator then.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            if _is_mine(fd, path):
                yield _read(path)
                path.unlink(missing_ok=True)
        finally:
            os.close(fd)


def _is_mine(fd: int, path: Path) -> bool:
    """Lock a journal whose owner is gone; False if it lives, or somebody has dealt with it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return path.stat().st_ino == os.fstat(fd).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def _read(path: Path) -> Orphan:
    begun: set[int] = set()
    replies: dict[int, Reply] = {}
    for line in path.read_bytes().splitlines():
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # blank, or torn: then the step that follows it was not taken
        if "b" in entry:
            begun.add(entry["b"])
        else:
            replies[entry["r"]] = Reply.from_json(entry["reply"])
    return Orphan(UUID(path.name.removesuffix(SUFFIX)), frozenset(begun), replies)
