"""A process that collects letters, for tests that kill it: database URL, folder, pieces a file."""

import asyncio
import sys
from pathlib import Path

from notifier.model.press import Press
from notifier.printing.collect import collect
from notifier.printing.context import PrintingContext
from notifier.printing.drafting import LetterDrafter
from notifier.printing.handover import hand_over
from notifier.printing.target import FolderTarget
from notifier.store.db import connect
from tests.delivery.rig import ACTOR, HOUSE
from tests.samples import NOW, WRITER


async def main(url: str, folder: str, per_file: int, inbox: str) -> None:
    """Collect, and hand over if there is a place for it."""
    engine = connect(url)
    room = PrintingContext(
        engine=engine,
        drafter=LetterDrafter(writer=WRITER, sender=HOUSE),
        press=Press(pieces_per_file=per_file),
        folder=Path(folder),
        now=lambda: NOW,
    )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    if inbox:
        await hand_over(room, 1, FolderTarget(Path(inbox)), actor=ACTOR)
    else:
        await collect(room, actor=ACTOR)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
