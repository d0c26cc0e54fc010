"""Background tasks are begun anew, and meanwhile the process is not ready."""

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest
from structlog.testing import capture_logs

from notifier.runtime.settings import BadSettings
from notifier.runtime.supervision import Supervisor

#: ``notifier serve`` with few file descriptors; SIGUSR1 uses them up, SIGUSR2 lets go of them.
_SERVE = """
import os, resource, signal, sys
from notifier.cli.run import serve
import notifier.api.app, notifier.runtime.serving, httptools, uvicorn.protocols.http.httptools_impl
held = []
def use_up(*_):
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        print('{"event": "used up"}', file=sys.stderr, flush=True)
def let_go(*_):
    while held:
        os.close(held.pop())
resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
signal.signal(signal.SIGUSR1, use_up)
signal.signal(signal.SIGUSR2, let_go)
serve()
"""


async def eventually(test: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not test():  # noqa: ASYNC110 (it asks the object under test)
            await asyncio.sleep(0.005)


async def test_what_ends_is_begun_anew_and_told() -> None:
    kept, runs, stop = Supervisor(first=0.01, sound=0.05), 0, asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs == 1:
            raise OSError(24, "Too many open files")
        if runs == 2:
            return  # nobody told it to
        await stop.wait()

    with capture_logs() as logs:
        task = asyncio.create_task(kept.keep("work", work, stop=stop))
        await eventually(lambda: kept.restarts["work"] == 2)
        assert kept.failing == ("work",)
        await eventually(lambda: not kept.failing)
        assert runs == 3
        stop.set()
        await task
    assert [(one["event"], one["times"]) for one in logs] == [
        ("task ended", 1),
        ("task ended", 2),
        ("task runs again", 2),
    ]


async def test_a_wrong_setting_ends_it() -> None:
    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(wrong())

    async def wrong() -> None:
        raise BadSettings("NOTIFIER_INBOX: port")

    with pytest.raises(ExceptionGroup) as raised:
        await Supervisor(first=0).keep("work", work)
    assert raised.value.subgroup(BadSettings)


async def test_beside_ends_with_what_it_stands_beside() -> None:
    kept = Supervisor(first=0.001)
    ended = asyncio.Event()

    async def work() -> None:
        if not kept.restarts:
            raise RuntimeError
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with kept.beside("work", work):
        await eventually(lambda: kept.restarts["work"])
        assert kept.failing == ("work",)
        await asyncio.sleep(0.01)
    assert ended.is_set()
    assert not kept.failing


class Served:
    """``notifier serve`` in a process of its own, with engines of its own."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self.process, self.port = process, port
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("{"):
                self.lines.append(json.loads(line))

    def close(self) -> None:
        self.process.terminate()
        self._connection.close()
        self.process.wait()
        self._reader.join()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def logged(self, **wanted: object) -> bool:
        return any(wanted.items() <= line.items() for line in list(self.lines))

    def ready(self) -> int:
        """The status of ``/readyz``, over a connection that stays; 0 where there is none yet."""
        try:
            self._connection.request("GET", "/readyz")
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0
        return answer.status


def becomes(test: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 60
    while not test():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@contextmanager
def served(var: Path) -> Iterator[Served]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-c", _SERVE],
        env={**os.environ, "NOTIFIER_VAR": str(var), "NOTIFIER_API_PORT": str(port)},
        stderr=subprocess.PIPE,
        text=True,
    )
    one = Served(process, port)
    try:
        yield one
    finally:
        one.close()


def test_postgres_comes_back_after_file_descriptors_were_used_up() -> None:
    with (
        TemporaryDirectory(prefix="notifier-supervised-") as folder,
        served(Path(folder)) as one,
    ):
        assert becomes(lambda: one.ready() == 200)
        pid_file = Path(folder) / "engines" / "postgres" / "postmaster.pid"
        server = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
        one.process.send_signal(signal.SIGUSR1)
        assert becomes(lambda: one.logged(event="used up"))
        server.kill()
        assert becomes(lambda: one.logged(event="task ended", task="engines"))
        assert one.ready() == 503
        one.process.send_signal(signal.SIGUSR2)
        assert becomes(lambda: one.ready() == 200)
        assert one.logged(event="task runs again", task="engines")
