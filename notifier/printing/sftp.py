"""Hand-over by SFTP: the server's key is pinned, ours is in a file."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, TypeVar, cast

import asyncssh

from notifier.model.press import Sftp

from .target import HandOverFailed, aside

_BLOCK: Final = 1 << 20  # bytes in memory at once
_ERRORS: Final = (asyncssh.Error, OSError, TimeoutError)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SftpTarget:
    """A folder on an SFTP server."""

    server: Sftp

    @property
    def label(self) -> str:
        """What the record calls it."""
        s = self.server
        return f"sftp://{s.username}@{s.host}:{s.port}/{s.folder}"

    @asynccontextmanager
    async def parcel(self, folder: Path, name: str) -> AsyncIterator["_SftpParcel"]:
        """Send a batch there and compare it with what arrived."""
        async with _connected(self.server) as conn, _opened(conn) as client:
            home = PurePosixPath(self.server.folder)
            made = _SftpParcel(self.server, client, str(home / aside(name)), str(home / name))
            try:
                try:
                    await made.bring(folder)
                except _ERRORS as error:
                    raise _failed(self.server, error) from error
                yield made
            finally:
                with suppress(*_ERRORS):
                    async with asyncio.timeout(self.server.timeout):
                        if await client.exists(made.aside):
                            await client.rmtree(made.aside)


@asynccontextmanager
async def _connected(server: Sftp) -> AsyncIterator[asyncssh.SSHClientConnection]:
    try:
        conn = await asyncssh.connect(
            server.host,
            server.port,
            username=server.username,
            client_keys=[_existing(server.key_file)],
            known_hosts=str(_existing(server.known_hosts)),
            agent_path=None,  # nothing but what the settings name
            config=None,
            password_auth=False,
            kbdint_auth=False,
            connect_timeout=server.timeout,
            login_timeout=server.timeout,
            keepalive_interval=server.timeout / 4,
        )
    except _ERRORS as error:
        raise _failed(server, error) from error
    except ValueError as error:  # a file that holds no key
        raise HandOverFailed(
            f"{server.key_file}, {server.known_hosts}: {error}", retry=False
        ) from None
    try:
        yield conn
    finally:
        conn.abort()


@asynccontextmanager
async def _opened(conn: asyncssh.SSHClientConnection) -> AsyncIterator[asyncssh.SFTPClient]:
    try:
        client = await conn.start_sftp_client()
    except _ERRORS as error:
        raise HandOverFailed(f"no SFTP there: {error}", retry=True) from error
    try:
        yield client
    finally:
        client.exit()


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise HandOverFailed(f"{path}: there is no such file", retry=False)
    return path


def _failed(server: Sftp, error: Exception) -> HandOverFailed:
    where = f"{server.host}:{server.port}"
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        text = f"{where} shows another key than {server.known_hosts} has for it"
        return HandOverFailed(text, retry=False)
    if isinstance(error, asyncssh.PermissionDenied):
        return HandOverFailed(f"{where} does not accept {server.key_file}", retry=False)
    refused = isinstance(error, asyncssh.SFTPError)
    what = str(error) or type(error).__name__
    return HandOverFailed(f"{where}: {what}", retry=not refused)


@dataclass(frozen=True, slots=True)
class _SftpParcel:
    server: Sftp
    client: asyncssh.SFTPClient
    aside: str
    place: str

    async def bring(self, folder: Path) -> None:
        """Upload and compare."""
        if await self._in_time(self.client.exists(self.place)):
            raise HandOverFailed(f"{self.place} is there already", retry=False)
        await self._in_time(self.client.mkdir(self.aside))
        for path in await asyncio.to_thread(lambda: sorted(folder.iterdir())):
            await self._bring(path, f"{self.aside}/{path.name}")

    async def _bring(self, path: Path, there: str) -> None:
        ours, size = hashlib.sha256(), 0
        async with self.client.open(there, "wb") as out:
            with path.open("rb") as file:
                while block := await asyncio.to_thread(file.read, _BLOCK):
                    ours.update(block)
                    size += len(block)
                    await self._in_time(out.write(block))
        arrived = await self._in_time(self.client.stat(there))
        if arrived.size != size:
            raise HandOverFailed(f"{there} has {arrived.size} bytes, not {size}", retry=True)
        if self.server.read_back and await self._hash(there) != ours.digest():
            raise HandOverFailed(f"{there} holds other bytes than {path.name}", retry=True)

    async def _hash(self, there: str) -> bytes:
        theirs = hashlib.sha256()
        async with self.client.open(there, "rb") as file:
            while block := await self._in_time(file.read(_BLOCK)):
                theirs.update(cast("bytes", block))  # it was opened as such
        return theirs.digest()

    async def publish(self) -> None:
        """One rename, which does not replace anything."""
        await self._in_time(self.client.rename(self.aside, self.place))

    async def _in_time(self, work: Awaitable[T]) -> T:
        async with asyncio.timeout(self.server.timeout):
            return await work
