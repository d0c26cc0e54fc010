"""A disk of the engines' own, which can be full: a file of fixed size, mounted where they live.

Only root can mount; elsewhere there is none, and a full disk is played on the worker processes
alone (see :mod:`tests.chaos.faults`).
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SIZE: Final = 12 << 30  # bytes; of a sparse file: only what is written takes room
_BALLAST: Final = "ballast"


class Disk:
    """A mounted disk."""

    def __init__(self, place: Path) -> None:
        self._ballast = place / _BALLAST

    def fill(self) -> None:
        """Leave not one byte."""
        with self._ballast.open("ab") as file:
            step = 1 << 30
            while step >= 4096:
                try:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), step)
                except OSError:
                    step //= 2

    def free(self) -> None:
        """Take away what fills it."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def mounted(var: Path) -> Iterator[Disk | None]:
    """A disk at ``var/engines``; None where nobody may mount one."""
    place, image = var / "engines", var / "engines.img"
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        yield None
        return
    place.mkdir(parents=True, exist_ok=True)
    if os.path.ismount(place):  # a run before this one was killed
        _run("umount", "-l", str(place))
    if not image.exists():
        with image.open("wb") as file:
            file.truncate(_SIZE)
        _run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1", str(image))
    if not _run("mount", "-o", "loop", str(image), str(place)):
        image.unlink()
        yield None
        return
    try:
        disk = Disk(place)
        disk.free()
        yield disk
    finally:
        with contextlib.suppress(OSError):
            os.sync()
        _run("umount", "-l", str(place))


def _run(*command: str) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
