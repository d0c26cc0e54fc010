"""Where the servers under test deliver: two post offices of ours, in a thread of their own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notifier.demo.post_office import PostOffice, Received, Rule, Rules, Stage
from tests.returns.generate.scenes import AWAY, BOUNCE, GREET, LOOP, MEMBER, RULES


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Backend:
    """The open offices, and what they were given."""

    def __init__(self, folder: Path) -> None:
        self.office = PostOffice(folder / "member", rules=Rules(RULES))
        refusal = Rule(stage=Stage.CONNECT, reply="554 5.7.1 No service for your address")
        self.greeting = PostOffice(folder / "greet", rules=Rules([refusal]))

    def routes(self, port: int) -> dict[str, int]:
        """Ports by domain, for a server that listens on ``port``."""
        away = free_port()
        member = self.office.port
        known = {MEMBER: member, BOUNCE: member, GREET: self.greeting.port}
        return {**known, AWAY: away, LOOP: port}

    def returned(self, start: int) -> list[Received]:
        """Reports that have come after the first ``start`` mails."""
        return [one for one in self.office.messages[start:] if not one.sender]


@contextmanager
def open_backend(folder: Path) -> Iterator[Backend]:
    """The offices, while they are open."""
    backend, loop = Backend(folder), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    for office in (backend.office, backend.greeting):
        asyncio.run_coroutine_threadsafe(office.open(), loop).result()
    try:
        yield backend
    finally:
        for office in (backend.office, backend.greeting):
            asyncio.run_coroutine_threadsafe(office.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
