"""The worker's journal: which transmissions it began and what was answered.

One file per worker, locked for as long as its process lives. A line is handed to the operating
system before the next step is taken, so that it survives the process (a lost disk or host is
what the permit in the record is for).
"""

import contextlib
import fcntl
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

import orjson

from notifier.files import make_folder

from .replies import Reply

SUFFIX: Final = ".journal"
_LARGE: Final = 1 << 20  # bytes after which a journal begins anew with what is outstanding


class Journal:
    """An open journal. Made with :meth:`create`."""

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self._fd = fd
        self._size = 0
        self._outstanding: dict[int, bytes] = {}  # attempt → its lines
        self._renewed_at = _LARGE  # bytes

    @classmethod
    def create(cls, folder: Path, worker_id: UUID) -> "Journal":
        """Begin the journal of a worker."""
        make_folder(folder)
        path = folder / f"{worker_id}{SUFFIX}"
        return cls(path, _fresh(path, b""))

    def begin(self, attempt_id: int) -> None:
        """The body of an attempt is about to be written. Raises OSError: then it must not be."""
        self._write(attempt_id, {"b": attempt_id})

    def reply(self, attempt_id: int, reply: Reply) -> None:
        """An attempt has ended."""
        self._write(attempt_id, {"r": attempt_id, "reply": reply.to_json()})

    def _write(self, attempt_id: int, line: dict[str, object]) -> None:
        # The line break before it keeps a line whole that follows a torn one.
        data = b"\n" + orjson.dumps(line) + b"\n"
        if os.write(self._fd, data) != len(data):
            raise OSError("the journal could not be written")
        self._size += len(data)
        self._outstanding[attempt_id] = self._outstanding.get(attempt_id, b"") + data

    def settled(self, attempt_ids: Iterable[int]) -> None:
        """The outcomes of these are on record: in a mass mailing there is never a rest."""
        for attempt_id in attempt_ids:
            self._outstanding.pop(attempt_id, None)
        if self._size > self._renewed_at:
            with contextlib.suppress(OSError):  # then it goes on as it is
                self._renew()
            self._renewed_at = self._size + _LARGE

    def _renew(self) -> None:
        data = b"".join(self._outstanding.values())
        fd = _fresh(self.path, data)
        os.close(self._fd)
        self._fd, self._size = fd, len(data)

    def rest(self) -> None:
        """Nothing is outstanding: all that stands here is on record."""
        if self._size > _LARGE:
            os.ftruncate(self._fd, 0)
            self._size, self._renewed_at = 0, _LARGE
            self._outstanding.clear()

    def close(self, *, remove: bool) -> None:
        """End the journal; remove it only if nothing in it is outstanding."""
        if remove:
            self.path.unlink(missing_ok=True)
        os.close(self._fd)


def _fresh(path: Path, data: bytes) -> int:
    """Put a new file with these bytes at a journal's place; its descriptor."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        # Locked before it has its name: nobody can take it for the journal of a dead worker.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.write(fd, data) != len(data):
            raise OSError("the journal could not be written")
        fresh.rename(path)
    except OSError:
        os.close(fd)
        fresh.unlink(missing_ok=True)
        raise
    return fd


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
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # blank, or torn: then the step that follows it was not taken
        if "b" in entry:
            begun.add(entry["b"])
        else:
            replies[entry["r"]] = Reply.from_json(entry["reply"])
    return Orphan(UUID(path.name.removesuffix(SUFFIX)), frozenset(begun), replies)
