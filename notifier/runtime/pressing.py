"""The press room of a process, and where it hands batches over."""

from notifier.delivery.editions import Editions
from notifier.model.errors import NotFound
from notifier.printing.context import PrintingContext
from notifier.printing.drafting import LetterDrafter
from notifier.printing.target import FolderTarget, Target
from notifier.printing.typesetting import ProcessWriter

from .parts import Parts
from .sender import staff_sender
from .settings import Settings


def press_room(parts: Parts) -> PrintingContext:
    """Batches are in ``var/batches``. Raises NotFound if what is to be recorded is no notice."""
    given = parts.settings
    for name in given.press.recorded:
        if name not in parts.writer.notices:
            raise NotFound("notice", name)
    apart, editions = _apart(parts), Editions(parts.engine, parts.writer)

    async def present() -> ProcessWriter:
        return apart.writing_as(await editions.present())

    return PrintingContext(
        engine=parts.engine,
        drafter=LetterDrafter(writer=apart, sender=staff_sender(given), present=present),
        press=given.press,
        folder=given.var / "batches",
        now=parts.clock.now,
    )


def _apart(parts: Parts) -> ProcessWriter:
    given = parts.settings
    count = given.press.processes
    return ProcessWriter(parts.writer, given.templates, given.locales, processes=count)


def target(given: Settings) -> Target | None:
    """Where batches go; None: the press fetches them."""
    if given.press.sftp is not None:
        from notifier.printing.sftp import SftpTarget  # a dozen megabytes that no worker needs

        return SftpTarget(given.press.sftp)
    return FolderTarget(given.press.folder) if given.press.folder is not None else None
