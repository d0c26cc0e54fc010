"""Wording on record: drafts from a folder, and how a person names versions (``D3``, a digest)."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.rendering.folder import Folder, read_folders, unpacked
from notifier.rendering.writer import Writer
from notifier.store import documents, templates
from notifier.store.templates import Change

Key = tuple[str, str]  # language and notice


async def draft(
    engine: AsyncEngine, shipped: Writer, folder: Path, *, note: str, actor: Actor, now: datetime
) -> tuple[int, list[Change]]:
    """Keep what is new under ``<folder>/<language>/``: number of the draft, changes.

    What is as it was once in force is left out: a folder may be older than a publication, and the
    way back is :meth:`Publisher.roll_back`. Raises :class:`BadTemplate` on what cannot be read at
    all, and :class:`NotAllowed` where nothing is new or a notice is not one of the program's.
    """
    found = await asyncio.to_thread(read_folders, folder)
    if unknown := found.keys() - shipped.folders.keys():
        name = "/".join(min(unknown))
        text = f"{name} is not a notice of this program"
        raise NotAllowed(text, code="no_such_wording", notice=name)
    async with engine.begin() as conn:
        current = await current_digests(conn, shipped)
        known = await templates.all_once_in_force(conn)
        known |= {f.digest for f in shipped.folders.values()}
        changed = {key: f for key, f in found.items() if f.digest not in known}
        if not changed:
            raise NotAllowed(f"{folder}: nothing is new in it", code="nothing_new", folder=folder)
        bases = [shipped.folders[k] for k in changed if shipped.folders[k].digest == current[k]]
        kept = [one.version for one in (*changed.values(), *bases)]
        await documents.register(conn, kept, now=now)
        changes = [_change(key, f, current[key]) for key, f in changed.items()]
        number = await templates.add_draft(conn, changes, note=note, actor=actor, now=now)
    return number, changes


async def changes_of(conn: AsyncConnection, draft_id: int) -> list[Change]:
    """What a draft changes. Raises :class:`NotFound`."""
    found = await templates.draft(conn, draft_id)
    if not found:
        raise NotFound("draft", f"D{draft_id}")
    return found


async def folders_of(conn: AsyncConnection, digests: Sequence[str]) -> dict[str, Folder]:
    """Digest → files of versions on record. Raises :class:`BadTemplate` and :class:`NotFound`."""
    found = {
        r.digest: unpacked(r.language, r.notice, bytes(r.content))
        for r in await templates.versions(conn, digests)
    }
    for digest in digests:
        if digest not in found or found[digest].digest != digest:
            raise NotFound("version", digest)
    return found


async def current_digests(conn: AsyncConnection, shipped: Writer) -> dict[Key, str]:
    """(language, notice) → digest of the version in force."""
    own = {key: folder.digest for key, folder in shipped.folders.items()}
    published = await templates.in_force(conn, await templates.number(conn))
    return {**own, **published}


def _change(key: Key, folder: Folder, replaces: str) -> Change:
    return Change(language=key[0], notice=key[1], digest=folder.digest, replaces=replaces)


IN_FORCE: Final = "in-force"
SHIPPED: Final = "shipped"
_DRAFT: Final = re.compile(r"D?(\d{1,15})")
_DIGEST: Final = re.compile(r"[0-9a-f]{6,64}")


def draft_id(text: str) -> int:
    """``D3`` or ``3``. Raises :class:`NotFound`."""
    found = _DRAFT.fullmatch(text)
    if not found:
        raise NotFound("draft", text)
    return int(found[1])


async def resolve(conn: AsyncConnection, shipped: Writer, text: str) -> dict[Key, Folder]:
    """The notices that a reference names, by (language, notice). Raises :class:`NotFound`."""
    if text == SHIPPED:
        return dict(shipped.folders)
    if text == IN_FORCE:
        return await _in_force(conn, shipped)
    if text.startswith("D") and _DRAFT.fullmatch(text):
        digests = [c.digest for c in await changes_of(conn, draft_id(text))]
        return _by_key(await folders_of(conn, digests))
    if _DIGEST.fullmatch(text):
        own = {f.digest: f for f in shipped.folders.values() if f.digest.startswith(text)}
        for r in await templates.like(conn, text):
            own[r.digest] = unpacked(r.language, r.notice, bytes(r.content))
        if len(own) == 1:
            return _by_key(own)
    return await asyncio.to_thread(_in_folder, text)


def _in_folder(text: str) -> dict[Key, Folder]:
    if not Path(text).is_dir():
        raise NotFound("version", text)
    return read_folders(Path(text))


async def _in_force(conn: AsyncConnection, shipped: Writer) -> dict[Key, Folder]:
    current = await current_digests(conn, shipped)
    own = {f.digest: f for f in shipped.folders.values()}
    others = await folders_of(conn, [d for d in current.values() if d not in own])
    return _by_key({d: (others | own)[d] for d in current.values()})


def _by_key(folders: dict[str, Folder]) -> dict[Key, Folder]:
    return {(f.language, f.notice.name): f for f in folders.values()}
