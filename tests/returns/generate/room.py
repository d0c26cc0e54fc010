"""A system of its own for a mail server: this one's files below, all changes in memory above.

Debian's mail servers exclude each other, so that each is installed in a room, by ``apt-get``.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_SHARED: Final = ("/proc", "/dev", "/sys")


class Room:
    """A root directory to run programs in. Loopback and processes are shared with outside."""

    def __init__(self, root: Path, changes: Path) -> None:
        self.root, self.changes = root, changes

    def path(self, inside: str) -> Path:
        """Where a file of the room is, seen from outside."""
        return self.root / inside.lstrip("/")

    def write(self, inside: str, text: str, *, mode: int = 0o644) -> None:
        """A file in the room, with its folders."""
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def run(self, *words: str, text: str | None = None, check: bool = True) -> str:
        """Run a program to its end; what it printed. Raises RuntimeError with it if it fails."""
        command = ["chroot", str(self.root), *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True, input=text)
        said = done.stdout + done.stderr
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: {said}")
        return said

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a program that stays; its output goes to ``/daemon.log`` in the room."""
        with self.path("/daemon.log").open("ab") as log:
            return subprocess.Popen(["chroot", str(self.root), *words], stdout=log, stderr=log)

    def said(self) -> str:
        """What the programs that stay have printed, and the end of the system's mail log."""
        found = (self.path(name) for name in ("/daemon.log", "/var/log/mail.log"))
        return "".join(path.read_text(errors="replace")[-2_000:] for path in found if path.exists())

    def install(self, *packages: str) -> None:
        """Packages from Debian, in place of the mail server that may be here. Starts nothing."""
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", mode=0o755)
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
        self.run("env", "DEBIAN_FRONTEND=noninteractive", *install, *packages)

    def version(self, package: str) -> str:
        """The installed version."""
        return self.run("dpkg-query", "-W", "-f", "${Version}", package).strip()


@contextmanager
def open_room(above: Room | None = None) -> Iterator[Room]:
    """A fresh room, or one that starts with what another holds; gone afterwards, with all in it.

    Needs root and overlayfs.
    """
    home = Path(tempfile.mkdtemp(prefix="notifier-room-"))
    _call("mount", "-t", "tmpfs", "tmpfs", str(home))
    for name in ("up", "work", "root"):
        (home / name).mkdir()
    lower = f"{above.changes}:/" if above else "/"
    layers = f"lowerdir={lower},upperdir={home}/up,workdir={home}/work"
    _call("mount", "-t", "overlay", "overlay", "-o", layers, str(home / "root"))
    for shared in _SHARED:
        _call("mount", "--rbind", shared, f"{home}/root{shared}")
    try:
        yield Room(home / "root", home / "up")
    finally:
        _end(home / "root")
        for shared in _SHARED:
            _call("umount", "-l", f"{home}/root{shared}")
        _call("umount", "-l", f"{home}/root")
        _call("umount", "-l", str(home))
        shutil.rmtree(home, ignore_errors=True)


def _end(root: Path) -> None:
    """End the programs that run in a room: one server's queue would hinder the next."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (process / "root").readlink() == root:
                os.kill(int(process.name), signal.SIGKILL)


def _call(*words: str) -> None:
    subprocess.run(words, check=True)
