"""Unix sockets of the embedded engines: where they are, and whether anybody listens."""

import hashlib
import os
import re
import socket
import stat
from pathlib import Path
from typing import Final

_LONGEST: Final = 100  # bytes; systems allow 103 to 107 for the whole path
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./+-]+")
_NAME: Final = 14  # of the longest socket in the folder, with its slash


class EngineError(Exception):
    """An embedded engine cannot be started or stopped; the text says why and what helps."""


def socket_folder(home: Path, owners: frozenset[int]) -> Path:
    """The folder for the sockets of the engines under ``home``, made when missing.

    It is ``home/sockets``, or a short path under ``/tmp`` where that is too long for a socket or
    has characters that some client does not understand in a URL.
    Only its owner can look into it, because whoever reaches the sockets is let in.
    """
    folder = home / "sockets"
    if len(os.fsencode(folder)) + _NAME > _LONGEST or not _PLAIN.fullmatch(str(folder)):
        # Every process has to find the same place, so TMPDIR is not asked.
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        folder = Path(f"/tmp/notifier-{os.geteuid()}-{digest}")  # noqa: S108
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise EngineError(f"{folder} belongs to somebody else; remove it or set NOTIFIER_VAR")
    folder.chmod(0o700)
    return folder


def listens(path: Path) -> bool:
    """Whether a process accepts connections on a Unix socket."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(2)
        try:
            sock.connect(str(path))
        except OSError:
            return False
    return True
