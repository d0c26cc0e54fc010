"""Logs of the embedded engines begin anew when they are long: a day of errors must fill no disk."""

import contextlib
import os
import shutil
from pathlib import Path


def begin_anew(log: Path, most: int) -> bool:
    """Move what a log holds to ``<name>.1`` once it is longer than ``most`` bytes.

    The server goes on writing to the file that it has open, so its text is copied and the file is
    emptied; what is written in between is lost. What stood in ``<name>.1`` goes first, and where
    the disk is full nothing takes its place.
    """
    try:
        if log.stat().st_size <= most:
            return False
    except FileNotFoundError:
        return False
    earlier = log.with_name(f"{log.name}.1")
    earlier.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.close(os.open(earlier, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        shutil.copyfile(log, earlier)
    os.truncate(log, 0)
    return True
