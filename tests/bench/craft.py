"""How long it takes to write one mail and to typeset one letter."""

from collections.abc import Callable, Iterator, Set
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.runtime.engines import Engines
from notifier.write.writer import Writer
from tests.bench.figures import Figure, percentile
from tests.samples import LOCALES, TEMPLATES

_MAILS: Final = 2000
_LETTERS: Final = 60
_WARM: Final = 20


async def measure_mail(_engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``mail_render_us``."""
    writer = Writer(TEMPLATES, LOCALES)

    def write(c: Correspondence) -> None:
        writer.mail(c, token="bench", message_id="<bench@notifier.example.jp>")

    median = 1e6 * percentile(_times(write, _samples(writer, Channel.EMAIL), _MAILS), 0.5)
    note = f"median of {_MAILS}: the samples of all notices in turn, each to another reader"
    return [Figure(name="mail_render_us", value=round(median, 1), unit="µs", note=note)]


async def measure_letter(_engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``letter_single_ms``."""
    writer = Writer(TEMPLATES, LOCALES)
    found = _times(writer.letter, _samples(writer, Channel.LETTER), _LETTERS)
    median = 1e3 * percentile(found, 0.5)
    note = f"median of {_LETTERS} letters (PDF/A-2b), one call each: the samples in turn"
    return [Figure(name="letter_single_ms", value=round(median, 2), unit="ms", note=note)]


def _samples(writer: Writer, channel: Channel) -> Iterator[Correspondence]:
    """The samples of all notices, for ever; no two are the same."""
    known = [
        writer.sample(name, step)
        for name, notice in writer.notices.items()
        if channel in notice.channels
        for step in notice.steps
    ]
    n = 0
    while True:
        for sample in known:
            n += 1
            reader = replace(sample.recipient, member_no=f"M{n:06d}")
            yield replace(sample, number=f"N{n:08d}", recipient=reader)


def _times(
    write: Callable[[Correspondence], object], samples: Iterator[Correspondence], count: int
) -> list[float]:
    """Seconds that each of ``count`` took, after a few to warm up."""
    for sample in islice(samples, _WARM):
        write(sample)
    found = []
    for sample in islice(samples, count):
        began = perf_counter()
        write(sample)
        found.append(perf_counter() - began)
    return found
