"""Serving: the HTTP interface and the reader of the intake stream."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from notifier.api.app import create_app
from notifier.intake.stream import Stream, StreamReader

from .http_protocol import HttpProtocol
from .parts import Parts
from .services import HouseServices
from .settings import PREFIX, BadSettings, Settings


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: one process may do more than serve."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the process."""
        yield


async def serve(parts: Parts, stop: asyncio.Event) -> None:
    """Serve HTTP, and read the intake stream where there is one, until told to stop."""
    services = _services(parts)
    config = uvicorn.Config(
        create_app(services),
        http=HttpProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config)
    reader = _reader(parts, parts.urls.intake) if parts.urls.intake else None
    try:
        with _bound(parts.settings) as sock:
            async with asyncio.TaskGroup() as group:
                group.create_task(_end(server, stop))
                group.create_task(server.serve([sock]))
                if reader:
                    group.create_task(reader.run(stop))
    finally:
        await services.close()


def _services(parts: Parts) -> HouseServices:
    try:
        return HouseServices(parts)
    except OSError as problem:  # only a file of certificates is read
        place = f"{PREFIX}PROVIDERS__SES__FETCH__CA_FILE"
        raise BadSettings(f"{place}: {problem.strerror or problem}") from None


def _bound(given: Settings) -> socket.socket:
    # Taken here, for uvicorn ends the whole process where it does not get its place.
    family = socket.AF_INET6 if ":" in given.api_host else socket.AF_INET
    try:
        return socket.create_server((given.api_host, given.api_port), family=family, backlog=2048)
    except OSError as problem:
        place = f"{given.api_host}:{given.api_port}"
        raise BadSettings(
            f"NOTIFIER_API_HOST, _PORT: {place}: {os.strerror(problem.errno or 0)}"
        ) from None


async def _end(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _reader(parts: Parts, url: str) -> StreamReader:
    source = parts.settings.intake_source
    if source is None:
        raise BadSettings("NOTIFIER_INTAKE_SOURCE: a stream needs the source of its events")
    stream = Stream(url=url, name=parts.settings.intake_stream, source=source)
    consumer = f"{socket.gethostname()}-{os.getpid()}"
    return StreamReader(stream, parts.acceptor, parts.engine, parts.clock, consumer)


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def first(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first, number)
    return stop
