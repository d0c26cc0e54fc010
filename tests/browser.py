"""A real Chromium, spoken to over its debugging pipe (Chrome DevTools Protocol)."""

import base64
import fcntl
import itertools
import json
import os
import shutil
import signal
import tempfile
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

_NAMES = ("chromium", "google-chrome")
_OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--remote-debugging-pipe", "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip


class Browser:
    """One page in one browser; it can reach no network."""

    def __init__(self) -> None:
        program = next(path for name in _NAMES if (path := shutil.which(name)))
        self._profile = tempfile.mkdtemp()
        self._write, self._read, self._process = _started(program, self._profile)
        self._rest = b""
        self._numbers = itertools.count(1)
        self._session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self._frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._write)
        os.kill(self._process, signal.SIGTERM)
        os.waitpid(self._process, 0)
        os.close(self._read)
        shutil.rmtree(self._profile, ignore_errors=True)

    def call(self, method: str, **params: Any) -> Mapping[str, Any]:
        """One command and its answer. Raises RuntimeError where the browser refuses."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        found: Mapping[str, Any] = answer["result"]
        return found

    def _next(self) -> Mapping[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._read, 1 << 20)
            if not read:
                raise RuntimeError("the browser has gone")
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        found: Mapping[str, Any] = json.loads(line)
        return found

    def show(self, html: str, width: int, *, dark: bool = False) -> None:
        """Show a page ``width`` CSS pixels wide."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.setDocumentContent", frameId=self._frame, html=html)

    def run(self, script: str) -> Any:
        """The value of an expression in the page, as JSON."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        size = self.run("[innerWidth, document.documentElement.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
        shot = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        return base64.b64decode(shot["data"])


def _started(program: str, profile: str) -> tuple[int, int, int]:
    """Descriptors to write to and read from, and the process.

    The browser reads commands from its descriptor 3 and writes answers to 4.
    """
    to_read, write = os.pipe()
    read, to_write = os.pipe()
    # Out of the way of 3 and 4, whatever numbers they were given.
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (to_read, to_write)]
    actions = [
        (os.POSIX_SPAWN_DUP2, ends[0], 3),
        (os.POSIX_SPAWN_DUP2, ends[1], 4),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    arguments = [program, *_OPTIONS, f"--user-data-dir={profile}"]
    process = os.posix_spawn(program, arguments, os.environ, file_actions=actions)
    for end in (to_read, to_write, *ends):
        os.close(end)
    return write, read, process
