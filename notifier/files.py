"""Files and folders that only their owner may look into: nearly all of ours hold personal data."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Final, Self
from weakref import finalize

_FOLDER: Final = 0o700
_FILE: Final = 0o600
_LOCK: Final = "lock"


def opener(path: str, flags: int) -> int:
    """For :func:`open`: a file that is made is its owner's alone."""
    return os.open(path, flags, _FILE)


def make_folder(folder: Path) -> Path:
    """Make a folder and what is missing above it, each its owner's alone; what is there stays."""
    missing = [one for one in (folder, *folder.parents) if not one.exists()]
    for one in reversed(missing):
        one.mkdir(mode=_FOLDER, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(20, os.strerror(20), str(folder))
    return folder


def write(path: Path, data: bytes | str, *, durable: bool = False) -> None:
    """Write a file that is its owner's alone, also where one was there that others could read.

    ``durable``: wait for the disk. What is no ordinary file (a pipe, a terminal) stays as it is.
    """
    with open(path, "wb", opener=opener) as file:
        found = os.fstat(file.fileno())
        if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid():
            os.fchmod(file.fileno(), _FILE)
        file.write(data.encode() if isinstance(data, str) else data)
        if durable:
            file.flush()
            os.fsync(file.fileno())


def seal(folder: Path, *, apart: str = "") -> bool:
    """Take from everybody else what they may do under a folder; whether there was anything.

    Nothing below is looked at while the folder itself lets nobody in. A group that may pass
    through, and no more (0710), keeps its way; ``apart`` names folders that others look after.
    """
    if not folder.is_dir() or not _tighten(folder):
        return False
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != apart]
        for name in (*folders, *names):
            _tighten(Path(here) / name)
    return True


def _tighten(path: Path) -> bool:
    """Take away what others may do; whether there was anything. Links and sockets stay."""
    found = path.lstat()
    mode = stat.S_IMODE(found.st_mode)
    if stat.S_ISDIR(found.st_mode):
        wanted = mode & (_FOLDER | 0o010) if mode & 0o077 == 0o010 else mode & _FOLDER
    elif stat.S_ISREG(found.st_mode):
        wanted = mode & _FOLDER
    else:
        return False
    if wanted == mode or found.st_uid != os.geteuid():
        return False
    path.chmod(wanted)
    return True


class Scratch:
    """A folder of this process for files that nobody needs once it is gone.

    It is held by a lock that the kernel gives back when the process dies, however that happens;
    whoever makes the next one takes away what the dead have left.
    """

    def __init__(self, above: Path | None, name: str) -> None:
        """``above``: where all of them are (None: where all programs make theirs, and nobody
        looks after the dead); ``name``: how this one's begins.
        """
        if above is None:
            self.path, held = Path(mkdtemp(prefix=f"notifier-{name}-")), None
        else:
            with _alone(make_folder(above)):
                _sweep(above)
                self.path = Path(mkdtemp(prefix=f"{name}-", dir=above))
                held = _locked(self.path / _LOCK)
        self._end = finalize(self, _remove, self.path, held)

    def close(self) -> None:
        """Take it away; it goes at the end of the process anyway."""
        self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sweep(above: Path) -> None:
    """Take away scratch folders whose processes are dead."""
    if above.is_dir():
        with _alone(above):
            _sweep(above)


def _sweep(above: Path) -> None:
    for path in above.iterdir():
        if path.is_dir():
            held = _locked(path / _LOCK)
            if held is not None:
                _remove(path, held)


@contextmanager
def _alone(above: Path) -> Iterator[None]:
    """Nobody else makes or takes away a scratch folder meanwhile."""
    fd = os.open(above / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _locked(path: Path) -> int | None:
    """The lock file, held; None if somebody else holds it, or its folder has gone."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def _remove(path: Path, held: int | None) -> None:
    rmtree(path, ignore_errors=True)
    if held is not None:
        os.close(held)
