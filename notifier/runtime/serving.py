"""Long-running processes: the HTTP interface, the stream reader, the workers."""

import asyncio
import os
import signal
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime

import uvicorn
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.api.app import create_app
from notifier.cases.sweep import sweep
from notifier.intake.stream import Stream, StreamReader
from notifier.model.notice import Lane
from workers.run import work as deliver

from .parts import Parts
from .sender import staff_sender
from .services import HouseServices
from .settings import BadSettings


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: one process may do more than serve."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to whoever runs the process."""
        yield


async def serve(parts: Parts, stop: asyncio.Event) -> None:
    """Serve HTTP, and read the intake stream where there is one, until told to stop."""
    config = uvicorn.Config(
        create_app(HouseServices(parts)),
        host=parts.settings.api_host,
        port=parts.settings.api_port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    server = _Server(config)
    async with asyncio.TaskGroup() as group:
        group.create_task(_end(server, stop))
        group.create_task(server.serve())
        if parts.urls.intake:
            group.create_task(_reader(parts, parts.urls.intake).run(stop))


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


async def work(parts: Parts, lanes: Collection[Lane], stop: asyncio.Event) -> None:
    """Deliver lanes, and let time pass in the cases, until told to stop."""

    async def cases(engine: AsyncEngine, now: datetime) -> set[Lane]:
        async with engine.connect() as conn:
            house = await parts.house(conn)
        return await sweep(engine, house, now=now)

    await deliver(
        parts.settings,
        parts.urls,
        lanes,
        writer=parts.writer,
        house=staff_sender(parts.settings),
        hooks=(cases,),
        stop=stop,
    )


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; a second signal ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def first(number: int) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, first, number)
    return stop
