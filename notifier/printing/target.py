"""Where batches are handed over: a folder of the press, or its SFTP server.

A batch is brought there under a name that nobody looks at, compared with what we have, and then
given its name in one step: the press sees all of it or nothing.
"""

import asyncio
import hashlib
import shutil
import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from .folder import fsync_folder, write


class HandOverFailed(Exception):
    """A batch could not be handed over; the press has nothing of it."""

    def __init__(self, text: str, *, retry: bool) -> None:
        self.retry = retry  # whether trying again may help without anything being mended
        super().__init__(text)


class Parcel(Protocol):
    """A batch that is over there, under a name of its own, complete and compared."""

    async def publish(self) -> None:
        """Give it its name. Whatever this raises, the press may have it from now on."""


class Target(Protocol):
    """A place where a press takes batches."""

    @property
    def label(self) -> str:
        """What the record calls it."""

    def parcel(self, folder: Path, name: str) -> AbstractAsyncContextManager[Parcel]:
        """Bring a batch there, to be called ``name``; what is not published goes at the end.

        Raises :class:`HandOverFailed`.
        """


def aside(name: str) -> str:
    """A name under which a batch is brought; each attempt has its own."""
    return f".{name}.{uuid4().hex[:8]}.part"


def sums(folder: Path) -> Mapping[str, str]:
    """File of a folder → SHA-256, in hex."""
    found = {}
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


@dataclass(frozen=True, slots=True)
class FolderTarget:
    """A folder, such as a mounted share."""

    folder: Path

    @property
    def label(self) -> str:
        """What the record calls it."""
        return str(self.folder)

    @asynccontextmanager
    async def parcel(self, folder: Path, name: str) -> AsyncIterator["_FolderParcel"]:
        """Copy a batch there, on the disk, and compare it."""
        made = _FolderParcel(self.folder / aside(name), self.folder / name)
        try:
            await asyncio.to_thread(made.bring, folder)
            yield made
        finally:
            await asyncio.to_thread(shutil.rmtree, made.aside, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _FolderParcel:
    aside: Path
    place: Path

    def bring(self, folder: Path) -> None:
        """Copy and compare."""
        try:
            if self.place.exists():
                raise HandOverFailed(f"{self.place} is there already", retry=False)
            # Whoever may look into the press's folder may look into the batch, and nobody else.
            mode = stat.S_IMODE(self.place.parent.stat().st_mode)
            self.aside.mkdir(mode=0o700)
            for path in sorted(folder.iterdir()):
                write(self.aside / path.name, path.read_bytes())
                (self.aside / path.name).chmod(mode & 0o666)
            self.aside.chmod(mode & 0o777)
            fsync_folder(self.aside)
            if sums(self.aside) != sums(folder):
                raise HandOverFailed(f"{self.aside} holds other bytes than {folder}", retry=True)
        except OSError as error:
            raise HandOverFailed(f"{self.place.parent}: {error.strerror}", retry=True) from error

    async def publish(self) -> None:
        """One rename."""
        await asyncio.to_thread(self._publish)

    def _publish(self) -> None:
        self.aside.rename(self.place)
        fsync_folder(self.place.parent)
