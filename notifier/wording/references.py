"""References: how a person names versions, such as ``D3``, ``in-force`` or a digest."""

import asyncio
import re
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from notifier.model.errors import NotFound
from notifier.rendering.folder import Folder, read_folders, unpacked
from notifier.rendering.writer import Writer
from notifier.store import templates

from .drafts import changes_of, current_digests, folders_of

IN_FORCE: Final = "in-force"
SHIPPED: Final = "shipped"
_DRAFT: Final = re.compile(r"D?(\d{1,15})")
_DIGEST: Final = re.compile(r"[0-9a-f]{6,64}")
Key = tuple[str, str]  # language and notice


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
