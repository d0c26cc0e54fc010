"""Serving: the HTTP interface and the reader of the intake stream."""

import asyncio
import os
import signal
import socket
from datetime import timedelta

from notifier.api.app import create_app
from notifier.runtime.event_stream import Stream, StreamReader

from .http_server import Gate, HttpConfig, HttpServer
from .parts import Parts
from .services import HouseServices
from .settings import PREFIX, BadSettings, Settings


async def serve(parts: Parts, stop: asyncio.Event) -> None:
    """Serve HTTP, and read the intake stream where there is one, until told to stop."""
    services = _services(parts)
    given = parts.settings.http
    config = HttpConfig(create_app(services, given), Gate(given))
    keep = parts.supervisor.keep
    reader = _reader(parts, parts.urls.intake) if parts.urls.intake else None
    try:
        with _bound(parts.settings) as sock:
            async with asyncio.TaskGroup() as group:
                group.create_task(keep("http", lambda: _serve(config, sock, stop), stop=stop))
                if reader:
                    group.create_task(keep("stream", lambda: reader.run(stop), stop=stop))
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


async def _serve(config: HttpConfig, sock: socket.socket, stop: asyncio.Event) -> None:
    """One server, on a socket that outlives it."""
    server = HttpServer(config)
    ender = asyncio.create_task(_end(server, stop))
    try:
        await server.serve([sock.dup()])
    finally:
        ender.cancel()


async def _end(server: HttpServer, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _reader(parts: Parts, url: str) -> StreamReader:
    source = parts.settings.intake_source
    if source is None:
        raise BadSettings("NOTIFIER_INTAKE_SOURCE: a stream needs the source of its events")
    keep = timedelta(hours=parts.settings.intake_keep_hours)
    stream = Stream(url=url, name=parts.settings.intake_stream, source=source, keep=keep)
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
