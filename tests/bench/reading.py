"""How many mails that came back are read in a second."""

from collections.abc import Set
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final

from notifier.returns.reading import read
from notifier.runtime.engines import Engines
from tests.bench.figures import Figure
from tests.returns.collection import samples

NAME: Final = "bounce_read_per_s"
_ROUNDS: Final = 7


async def measure(_engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``bounce_read_per_s``."""
    mails = [sample.data for sample in samples()]
    for mail in mails:
        read(mail)
    found = []
    for _ in range(_ROUNDS):
        began = perf_counter()
        for mail in mails:
            read(mail)
        found.append(len(mails) / (perf_counter() - began))
    note = f"median of {_ROUNDS} rounds over the {len(mails)} samples, one after the other"
    value = round(median(found))
    return [Figure(name=NAME, value=value, unit="/s", note=note, goal=1500, more_is_better=True)]
