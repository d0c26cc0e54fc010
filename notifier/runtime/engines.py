"""The engines of a process: real servers by URL, else embedded ones, shared between processes."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from notifier.store.roles import RUNTIME

from .house import House, has_data
from .locks import FileLock
from .postgres import ADMINISTRATOR, Postgres
from .settings import Settings
from .sockets import EngineError
from .valkey import Valkey

__all__ = ["EngineError", "Engines", "Urls"]

_EMBEDDED: Final = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """Where the engines are."""

    database: str  # postgresql+asyncpg://…, as the role that works with the record
    owner: str = ""  # the same as its owner, for migrations and partitions; empty: as above
    redis: str
    intake: str | None  # the stream's; None: no stream is read

    @property
    def migrations(self) -> str:
        """The database as whoever may change its schema."""
        return self.owner or self.database


class Engines:
    """Context manager: within it the engines run, on leaving it the last user stops them.

    Only what has no URL in the settings is started. Every process that is started in the same
    place (``settings.var``) uses the same servers. Blocking: 0.1 to 3 seconds at the start.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: str = "notifier",
        stream: bool = False,
        postgres: Mapping[str, str] | None = None,
        linger: float = 0,
    ) -> None:
        """``stream``: an embedded intake stream too; ``postgres``: further server settings.

        ``linger``: seconds for which the servers stay for whoever comes next.
        """
        self._settings, self._database, self._linger = settings, database, linger
        wanted = settings.intake_redis_url
        self._stream = wanted == _EMBEDDED or (stream and not wanted)
        self._postgres = postgres
        self._house: House | None = None
        self._users: FileLock | None = None

    def start(self) -> Urls:
        """Start what is not running. Raises :class:`EngineError`."""
        if self._embedded:
            self._house = House(self._settings.var, self._postgres)
            self._users = self._house.lock("users")
            self._users.share()  # waits while the last ones before us are being stopped
            try:
                self.ensure()
            except BaseException:
                self.stop()
                raise
        return self.urls

    def ensure(self) -> None:
        """Start again what has died since. Raises :class:`EngineError`."""
        house = self._house
        if house is None:
            return
        with house.lock("start"):
            _call_keeper(house)
            for server in self._servers(house):
                if not server.alive():
                    server.start()
            house.trim_logs(self._settings.retention.engine_log_bytes)
            if not self._settings.database_url:
                house.postgres.create_database(self._database)

    def has_record(self) -> bool:
        """Whether there is a record: on a server of one's own, or an embedded one made before."""
        return bool(self._settings.database_url) or has_data(self._settings.var)

    def stop(self) -> None:
        """Leave; the servers stop if nobody else uses them, at once or after having lingered."""
        house, users = self._house, self._users
        self._house = self._users = None
        if house is None or users is None:
            return
        if self._linger:  # the keeper stops them
            house.linger(self._linger)
            users.close()
            return
        users.release()
        if users.take(wait=False):
            house.stop()
        elif not users.share(wait=False):
            users.share()  # somebody is stopping them; they are gone when we return
        users.close()

    @property
    def var(self) -> Path:
        """Where the embedded ones live."""
        return self._settings.var

    @property
    def urls(self) -> Urls:
        """Where the engines are. Raises :class:`EngineError` outside of the context."""
        given, house = self._settings, self._house
        if house is None and self._embedded:
            raise EngineError("the engines have not been started")
        stream = house.stream.url if house and self._stream else given.intake_redis_url
        own = given.database_owner_url or given.database_url
        return Urls(
            database=given.database_url or self.database(self._database, RUNTIME),
            owner=own or self.database(self._database),
            redis=given.redis_url or (house.bell.url if house else ""),
            intake=stream,
        )

    def database(self, name: str, role: str = ADMINISTRATOR) -> str:
        """The URL of a further database on the embedded server; see ``create_database``."""
        if self._house is None:
            raise EngineError("there is no embedded PostgreSQL")
        return self._house.postgres.url(name, role)

    def create_database(self, name: str) -> str:
        """Create a further database on the embedded server unless it exists; its URL."""
        url = self.database(name)
        if self._house is not None:
            with self._house.lock("start"):
                self._house.postgres.create_database(name)
        return url

    @property
    def _embedded(self) -> bool:
        return not (self._settings.database_url and self._settings.redis_url) or self._stream

    def _servers(self, house: House) -> list[Postgres | Valkey]:
        wanted: list[Postgres | Valkey] = []
        if not self._settings.database_url:
            wanted.append(house.postgres)
        if not self._settings.redis_url:
            wanted.append(house.bell)
        if self._stream:
            wanted.append(house.stream)
        return wanted

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def _call_keeper(house: House) -> None:
    """See to it that a keeper watches; the caller holds ``start``."""
    probe = house.lock("keeper")
    missing = probe.take(wait=False)
    probe.close()
    if missing:
        command = [sys.executable, "-m", f"{__package__}.keeper", str(house.home.parent)]
        done = subprocess.run(
            command, check=False, stdin=subprocess.DEVNULL, capture_output=True, cwd="/", text=True
        )
        if done.returncode != 0:
            raise EngineError(f"the keeper of the engines does not start: {done.stderr}")
