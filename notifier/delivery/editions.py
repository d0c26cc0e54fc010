"""Editions: a writer for each publication, with the versions that were in force as of it.

A claim says which publication was the newest when it was made, so that a message is written from
what was in force then, by whichever process, and however long it waits to be written. Processes
need not be told of a publication: they meet its number with their next claim.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.logs import get_logger
from notifier.rendering.errors import BadTemplate
from notifier.rendering.folder import unpacked
from notifier.rendering.wording import Wording
from notifier.rendering.writer import Writer
from notifier.store import templates

log = get_logger(__name__)

#: Writers kept at once, besides that of the program's own templates. A version that several of
#: them have is there once; it takes up to 8 MB, most of it skeletons.
_MOST: Final = 4
Key = tuple[str, str]  # language and notice


class Editions:
    """The writers of a process."""

    def __init__(self, engine: AsyncEngine, shipped: Writer) -> None:
        """``shipped`` is in force for all that nobody has published."""
        self._engine = engine
        self._shipped = shipped
        self._writers: OrderedDict[int, Writer] = OrderedDict()
        self._wordings: dict[str, Wording] = {}  # by digest, those that the writers have
        self._used: dict[int, frozenset[str]] = {}  # publication → digests
        self._loading = asyncio.Lock()

    def of(self, publication: int) -> Writer:
        """The writer as of a publication that :meth:`open` was asked for; 0: before the first."""
        return self._writers[publication] if publication else self._shipped

    async def open(self, publications: Iterable[int]) -> None:
        """Have writers at hand; up to four of the asked ones are there until the next call."""
        asked = [n for n in dict.fromkeys(publications) if n]
        if all(n in self._writers for n in asked):
            return
        async with self._loading:
            for n in asked:
                if n not in self._writers:
                    await self._load(n)
                self._writers.move_to_end(n)
            self._forget()

    async def newest(self) -> int:
        """The number of the newest publication, its writer at hand."""
        async with self._engine.connect() as conn:
            number = await templates.number(conn)
        await self.open([number])
        return number

    async def present(self) -> Writer:
        """The writer of what is in force now; whoever makes a batch keeps it for all of it."""
        return self.of(await self.newest())

    async def _load(self, publication: int) -> None:
        async with self._engine.connect() as conn:
            digests = await templates.in_force(conn, publication)
            wanted = {key: d for key, d in digests.items() if d != self._shipped_digest(key)}
            new = [d for d in wanted.values() if d not in self._wordings]
            found = {r.digest: bytes(r.content) for r in await templates.versions(conn, new)}
        unusable = await asyncio.to_thread(self._compile, wanted, found)
        wordings = [self._wordings[d] for d in wanted.values() if d in self._wordings]
        self._writers[publication] = self._shipped.with_versions(wordings, unusable)
        self._used[publication] = frozenset(wanted.values())
        log.info("templates in force", publication=publication, notices=len(wanted))

    def _compile(
        self, wanted: Mapping[Key, str], contents: Mapping[str, bytes]
    ) -> dict[Key, BadTemplate]:
        """Compile what is new; what this release cannot read is never sent as something else."""
        unusable = {}
        for key, digest in wanted.items():
            if digest in contents:
                try:
                    folder = unpacked(*key, contents[digest])
                    if folder.digest != digest:
                        raise BadTemplate(key[1], "", "is not what is on record")
                    self._wordings[digest] = self._shipped.wording(folder)
                except BadTemplate as error:
                    log.error("version not usable", notice=key[1], digest=digest, why=str(error))
                    unusable[key] = error
                except OSError:  # a shortage that passes; the version is as good as before
                    raise
                except Exception as error:  # whatever is wrong with it, the others go on
                    log.exception("version not usable", notice=key[1], digest=digest)
                    unusable[key] = BadTemplate(key[1], "", type(error).__name__)
        return unusable

    def _shipped_digest(self, key: Key) -> str | None:
        folder = self._shipped.folders.get(key)
        return folder.digest if folder else None

    def _forget(self) -> None:
        while len(self._writers) > _MOST:
            oldest, _ = self._writers.popitem(last=False)
            del self._used[oldest]
        used = frozenset().union(*self._used.values())
        for digest in self._wordings.keys() - used:
            del self._wordings[digest]
