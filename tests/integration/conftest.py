"""A whole house in processes of its own: HTTP, a worker, a relay."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.api_keys import new_key
from notifier.demo.post_office import PostOffice
from notifier.model.actor import system
from notifier.runtime.settings import Settings
from notifier.store import keys, members, schemes
from notifier.store.db import rows
from tests.cli.terminal import Terminal, environment
from tests.samples import NOW, SCHEME, SOURCE, member

PEOPLE = 240
_PROGRAM = (sys.executable, "-m", "notifier.cli")
_TEST = system("test")


class Town:
    """The house and its surroundings."""

    def __init__(self, settings: Settings, engine: AsyncEngine, office: PostOffice) -> None:
        self.settings, self.engine, self.office = settings, engine, office
        Terminal(settings, NOW)  # sets the clock
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        key = new_key()
        self.key_id, self.key, self._hash = key.key_id, key.secret_text, key.hash

    async def found(self) -> None:
        """Scheme, members, the key of billing."""
        async with self.engine.begin() as conn:
            await schemes.save(conn, SCHEME, actor=_TEST, now=NOW)
            people = [(member(f"M{n:04d}"), NOW) for n in range(PEOPLE)]
            await members.save(conn, people, now=NOW)
            await keys.add(conn, self.key_id, SOURCE, self._hash, actor=_TEST, now=NOW)

    @contextmanager
    def process(
        self, verb: str, program: Sequence[str] = _PROGRAM, folder: Path | None = None
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A long-running verb; killed at the end if it still runs."""
        env = environment(self.settings, NOTIFIER_API_PORT=str(self.port))
        with (self.settings.var / f"{verb}.log").open("ab") as log:
            running = subprocess.Popen(
                [*program, verb], env=env, stdout=log, stderr=log, cwd=folder
            )
        try:
            yield running
        finally:
            running.kill()
            running.wait()

    @contextmanager
    def billing(self) -> Iterator[httpx.Client]:
        """A client of HTTP with billing's key, once events can be taken."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers) as client:
            end = time.monotonic() + 30
            while True:
                try:
                    if client.get("/readyz").is_success:
                        break
                except httpx.TransportError:
                    pass
                assert time.monotonic() < end, (self.settings.var / "serve.log").read_text()
                time.sleep(0.05)
            yield client

    async def messages(self) -> list[RowMapping]:
        """All messages with their member's number."""
        async with self.engine.connect() as conn:
            sql = "SELECT m.*, p.member_no FROM messages m JOIN members p USING (member_id)"
            return list(await rows(conn, f"{sql} ORDER BY m.message_id"))


@pytest.fixture
async def town(settings: Settings, engine: AsyncEngine, post_office: PostOffice) -> Town:
    """A house with a scheme and members; nothing runs yet."""
    settings.var.mkdir(exist_ok=True)
    made = Town(settings, engine, post_office)
    await made.found()
    return made
