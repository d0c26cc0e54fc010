"""A person at work on wording."""

import shutil
from itertools import count
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.publishing import Publisher
from notifier.app.wording import draft
from notifier.model.actor import Actor, ActorKind
from notifier.store.templates import Change
from tests.samples import NOW, TEMPLATES, WRITER

LOGIN = "umino"
ACTOR = Actor(ActorKind.USER, "test")


def closing(text: str) -> str:
    """Wording that every form of a notice shows."""
    return f"{{% set closing %}}\n{text}\n{{% endset %}}\n"


class Desk:
    """Edits notices, drafts and publishes them."""

    def __init__(self, engine: AsyncEngine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self._numbers = count(1)

    def edited(
        self, more: str, *, notice: str = "refund", file: str = "words.txt", old: str = ""
    ) -> Path:
        """A folder in which a file is changed: ``more`` at its end, or in place of ``old``."""
        folder = self.folder / str(next(self._numbers))
        shutil.copytree(TEMPLATES, folder)
        path = folder / "ja" / notice / file
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, more) if old else f"{text}{more}")
        return folder

    async def draft(self, folder: Path) -> tuple[int, list[Change]]:
        """Keep a draft of what a folder changes."""
        return await draft(self.engine, WRITER, folder, note="直し", actor=ACTOR, now=NOW)

    def publisher(self, by: str = LOGIN) -> Publisher:
        """Whoever publishes."""
        return Publisher(engine=self.engine, shipped=WRITER, by=by, actor=ACTOR)

    async def publish(self, text: str, *, notice: str = "refund") -> tuple[int, str]:
        """Put a closing in force: number of the publication, digest."""
        number, [change] = await self.draft(self.edited(closing(text), notice=notice))
        return await self.publisher().publish(number, note="直し", now=NOW), change.digest
