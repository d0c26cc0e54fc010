"""Publishing: a draft that passes all checks is in force from one moment on, for everybody."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from notifier.model.actor import Actor
from notifier.model.errors import NotAllowed, NotFound
from notifier.rendering.folder import Folder
from notifier.rendering.lint import Finding
from notifier.rendering.publication import Refused, check, passes, written
from notifier.rendering.writer import Writer
from notifier.store import staff, templates
from notifier.store.templates import Change

from .wording import changes_of, current_digests, folders_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """Puts versions in force in the name of a member of staff."""

    engine: AsyncEngine
    shipped: Writer
    by: str  # login of the member of staff who answers for it
    actor: Actor  # who sat at the terminal

    async def check(self, draft_id: int) -> list[Finding]:
        """All findings about a draft."""
        async with self.engine.connect() as conn:
            folders = await folders_of(conn, [c.digest for c in await changes_of(conn, draft_id)])
        return await checked(self.shipped, list(folders.values()))

    async def publish(self, draft_id: int, *, note: str, now: datetime) -> int:
        """Put a draft in force; the number of the publication.

        The checks are run here, on what is on record, whatever was checked before. Raises
        :class:`Refused` with all findings, and :class:`NotAllowed` where the draft is published
        already, or something else has been since it was made.
        """
        findings = await self.check(draft_id)
        if not passes(findings):
            raise Refused(findings)
        async with self.engine.begin() as conn:
            await templates.lock(conn)
            changes = await changes_of(conn, draft_id)
            if await templates.is_published(conn, draft_id):
                text = f"D{draft_id} is published already"
                raise NotAllowed(text, code="draft_published", draft=f"D{draft_id}")
            await self._ready(conn, changes)
            return await self._put(conn, changes, draft_id=draft_id, note=note, now=now)

    async def roll_back(
        self, notice: str, language: str, to: str | None, *, note: str, now: datetime
    ) -> int:
        """Publish an older version again: ``to`` is the beginning of its digest.

        Without ``to`` it is what the newest publication replaced. Only what has been in force is
        taken; it must still be possible to write from it, but lint is not asked again: it is the
        way back when something is wrong.
        """
        async with self.engine.begin() as conn:
            await templates.lock(conn)
            newest = await templates.latest(conn, language, notice)
            if newest is None:
                raise NotFound("publication", f"{language}/{notice}")
            digest = await self._older(conn, language, notice, to or newest.replaces)
            if digest == newest.digest:
                text = f"{digest[:12]} is in force"
                raise NotAllowed(text, code="version_in_force", version=digest[:12])
            [folder] = (await folders_of(conn, [digest])).values()
            findings = await asyncio.to_thread(written, self.shipped, folder)
            if not passes(findings):
                raise Refused(findings)
            change = Change(language=language, notice=notice, digest=digest, replaces=newest.digest)
            await self._ready(conn, [change])
            return await self._put(conn, [change], draft_id=None, note=note, now=now)

    async def _older(
        self, conn: AsyncConnection, language: str, notice: str, beginning: str
    ) -> str:
        found = await templates.was_in_force(conn, language, notice, beginning)
        if not found:
            raise NotFound("version", f"{beginning} ({language}/{notice})")
        if (count := len(found)) > 1:
            name = f"{language}/{notice}"
            text = f"{beginning} begins {count} versions of {name}"
            about = {"beginning": beginning, "count": count, "notice": name}
            raise NotAllowed(text, code="version_unclear", **about)
        return found[0]

    async def _ready(self, conn: AsyncConnection, changes: list[Change]) -> None:
        """That the publisher is known, and that nothing was published in between."""
        if not await staff.is_known(conn, self.by):
            text = f"{self.by} is no user (notifier users invite)"
            raise NotAllowed(text, code="not_staff", login=self.by)
        current = await current_digests(conn, self.shipped)
        for change in changes:
            if current.get((change.language, change.notice)) != change.replaces:
                where = f"{change.language}/{change.notice}"
                text = f"{where} has changed since; draft it again from what is in force"
                raise NotAllowed(text, code="wording_changed", notice=where)

    async def _put(
        self,
        conn: AsyncConnection,
        changes: list[Change],
        *,
        draft_id: int | None,
        note: str,
        now: datetime,
    ) -> int:
        return await templates.publish(
            conn, changes, draft_id=draft_id, by=self.by, note=note, actor=self.actor, now=now
        )


async def checked(shipped: Writer, folders: list[Folder]) -> list[Finding]:
    """All findings about several versions; those of shared files once."""

    def run() -> list[Finding]:
        return sorted({one for folder in folders for one in check(shipped, folder)})

    return await asyncio.to_thread(run)
