"""30,000 letters into one batch: the size of the leak that a sister document tells of."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Set
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Final

import psutil
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.mailing import mail
from notifier.app.rule_context import RuleContext as House
from notifier.model.mailing import Mailing
from notifier.model.press import Press
from notifier.model.states import Channel
from notifier.printing.collect import collect
from notifier.printing.context import PrintingContext
from notifier.printing.drafting import LetterDrafter
from notifier.printing.typesetting import ProcessWriter
from notifier.runtime.engines import Engines
from notifier.store import members, schemes
from notifier.store.db import connect
from notifier.store.migrate import upgrade
from tests.bench.figures import Figure
from tests.delivery.rig import ACTOR, HOUSE
from tests.printing.letters import TOWNS
from tests.samples import LOCALES, NOTICES, NOW, SCHEME, TEMPLATES, WRITER, member

NAMES: Final = ("batch_30k_s", "batch_30k_rss_mb")
_LETTERS: Final = 30_000
_CHUNK: Final = 5_000
_LOOK: Final = 0.2  # seconds between looks at the memory
_MB: Final = 1 << 20


async def measure(engines: Engines, var: Path, wanted: Set[str]) -> list[Figure]:
    """Collect them all; seconds, and what this process and its children took at the most."""
    url = engines.create_database("bench_press")
    await upgrade(url)
    engine = connect(url)
    try:
        await _seed(engine)
        room = PrintingContext(
            engine=engine,
            drafter=LetterDrafter(writer=ProcessWriter(WRITER, TEMPLATES, LOCALES), sender=HOUSE),
            press=Press(),
            folder=var / "batches",
            now=lambda: NOW + timedelta(minutes=1),
        )
        began = monotonic()
        async with _meter() as peak:
            batch = await collect(room, actor=ACTOR)
        took = monotonic() - began
    finally:
        await engine.dispose()
    assert batch is not None
    note = f"{batch.pieces:,} letters in {batch.files} files, one process that sets type"
    return [
        Figure(name=NAMES[0], value=round(took, 1), unit="s", note=note),
        Figure(name=NAMES[1], value=round(peak.bytes / _MB), unit="MB", note=f"{note}, together"),
    ]


async def _seed(engine: AsyncEngine) -> None:
    facts = dict(WRITER.sample("apology", "data_leak").facts)
    mailing = Mailing(
        name="bench",
        scheme=SCHEME.scheme,
        notice="apology",
        step="data_leak",
        channel=Channel.LETTER,
        facts=facts,
    )
    async with engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=NOW)
        house = House(schemes=await schemes.all_of(conn), notices=NOTICES)
    for start in range(0, _LETTERS, _CHUNK):
        numbers = [f"M{n:06d}" for n in range(start, start + _CHUNK)]
        given = [
            (member(no, name=f"潮田 凪{no}", address=TOWNS[n % len(TOWNS)]), NOW)
            for n, no in enumerate(numbers)
        ]
        async with engine.begin() as conn:
            await members.save(conn, given, now=NOW)
            lines = [(no, n) for n, no in enumerate(numbers)]
            await mail(conn, mailing, lines, house, actor=ACTOR, now=NOW)


@dataclass(slots=True)
class _Peak:
    bytes: int = 0


@contextlib.asynccontextmanager
async def _meter() -> AsyncIterator[_Peak]:
    peak = _Peak()

    async def look() -> None:
        while True:
            peak.bytes = max(peak.bytes, await asyncio.to_thread(_taken))
            await asyncio.sleep(_LOOK)

    task = asyncio.create_task(look())
    try:
        yield peak
    finally:
        task.cancel()


def _taken() -> int:
    own = psutil.Process()
    total: int = own.memory_info().rss
    for child in own.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            # The engines are children as well, and their memory is shared.
            if "python" in child.name():
                total += child.memory_info().rss
    return total
