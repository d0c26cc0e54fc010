"""Templates: what is published and in force, drafts, and the files of versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.publishing import checked
from notifier.app.wording import current_digests, resolve
from notifier.model.errors import NotFound
from notifier.rendering.folder import Folder
from notifier.rendering.lint import Finding
from notifier.rendering.writer import Writer
from notifier.store import templates as store

from .values import value_of

Key = tuple[str, str]  # language and notice
_SHOWN: Final = 12  # characters of a digest that a person is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version that was put in force."""

    publication_id: int
    language: str
    notice: str
    digest: str
    replaces: str
    draft_id: int | None  # None: an older version again
    published_at: datetime
    published_by: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Changed notices that somebody keeps for publication."""

    draft_id: int
    notices: str
    created_at: datetime
    created_by: str
    publication_id: int | None  # None: not published
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """The version of a notice that is in force."""

    language: str
    notice: str
    digest: str
    is_published: bool  # False: as it comes with the program
    differs: bool  # from what comes with the program


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is in force, and the newest drafts."""

    in_force: tuple[InForce, ...]
    drafts: tuple[Draft, ...]


def short(digest: str) -> str:
    """Return as much of a digest as a person is shown."""
    return digest[:_SHOWN]


async def publications(engine: AsyncEngine, *, notice: str | None, limit: int) -> list[Publication]:
    """Return the newest publications of a notice, or of all."""
    async with engine.connect() as conn:
        found = await store.publications(conn, notice=notice, limit=limit)
    return [value_of(Publication, r) for r in found]


async def status(engine: AsyncEngine, shipped: Writer, *, limit: int) -> Status:
    """Return what is in force, and the newest drafts."""
    async with engine.connect() as conn:
        published = await store.in_force(conn, await store.number(conn))
        current = await current_digests(conn, shipped)
        drafts = await store.drafts(conn, limit=limit)
    in_force = [
        InForce(
            language=key[0],
            notice=key[1],
            digest=digest,
            is_published=key in published,
            differs=key not in shipped.folders or shipped.folders[key].digest != digest,
        )
        for key, digest in sorted(current.items())
    ]
    return Status(in_force=tuple(in_force), drafts=tuple(value_of(Draft, r) for r in drafts))


async def versions(
    engine: AsyncEngine, shipped: Writer, *references: str
) -> list[dict[Key, Folder]]:
    """Return the notices that each reference names (D3, in-force, a digest, a folder).

    Raises :class:`NotFound`.
    """
    async with engine.connect() as conn:
        return [await resolve(conn, shipped, one) for one in references]


async def check(engine: AsyncEngine, shipped: Writer, reference: str) -> list[Finding]:
    """Return all findings about what a reference names, samples written in every form."""
    [folders] = await versions(engine, shipped, reference)
    return await checked(shipped, list(folders.values()))


async def writer_of(engine: AsyncEngine, shipped: Writer, reference: str) -> Writer:
    """Return the writer that would send if what a reference names were in force."""
    [folders] = await versions(engine, shipped, reference)
    return shipped.with_versions(map(shipped.wording, folders.values()))


def files_of(folders: Mapping[Key, Folder]) -> dict[str, str]:
    """Return ``ja/apology/words.txt`` → text; of shared files, that of the first notice."""
    found: dict[str, str] = {}
    for (language, _), folder in sorted(folders.items()):
        for name, text in sorted(folder.files.items()):
            found.setdefault(f"{language}/{name}", text)
    return found


def file_of(folders: Mapping[Key, Folder], name: str) -> str:
    """Return the text of a file, named without its language. Raises :class:`NotFound`."""
    for path, text in files_of(folders).items():
        if path.partition("/")[2] == name:
            return text
    raise NotFound("file", name)
