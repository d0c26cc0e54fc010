"""How long it takes to write one mail, to typeset one letter, and many."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.rendering.writer import Writer
from notifier.runtime.engines import Engines
from tests.bench.figures import ABSENT, Absent, Figure, percentile
from tests.bench.ground import done
from tests.bench.letters import mailing
from tests.bench.peers import weasy
from tests.samples import LOCALES, TEMPLATES

_MAILS: Final = 2000
_LETTERS: Final = 60
_WARM: Final = 20
_AGAIN: Final = 8  # letters of a kind in a row
_BULK: Final = 1000  # letters in a document
_ROUNDS: Final = 3
_MAILING: Final = 30_000
_PEER_LETTERS: Final = 15
_NAMES: Final = ("海野 渚", "山際 篤志", "青柳 千景", "樋口 和泉", "長谷部 美緒", "三輪 蓮")
SINGLE: Final = ("letter_single_ms", "letter_in_turn_ms")
BULK: Final = ("letters_30k_s", "letters_30k_rss_mb")


async def measure_mail(_engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``mail_render_us``."""
    writer = Writer(TEMPLATES, LOCALES)

    def write(c: Correspondence) -> None:
        writer.mail(c, token="bench", message_id="<bench@notifier.example.jp>")

    middle = 1e6 * percentile(_times(write, _samples(writer, Channel.EMAIL), _MAILS), 0.5)
    note = f"median of {_MAILS}: the samples of all notices in turn, each to another reader"
    return [Figure(name="mail_render_us", value=round(middle, 1), unit="µs", note=note)]


async def measure_letter(_engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``letter_single_ms``, ``letter_in_turn_ms``."""
    writer = Writer(TEMPLATES, LOCALES)
    warm = [1e3 * seconds for seconds in _warm(writer)]
    cold = _times(writer.letter, _samples(writer, Channel.LETTER), _LETTERS)
    per_notice = f"one call each, PDF/A-2b; {_AGAIN} of each sample in a row, after one to warm up"
    return [
        Figure(
            name=SINGLE[0],
            value=round(median(warm), 2),
            unit="ms",
            note=f"median of {len(warm)} letters, {per_notice}; {min(warm):.1f} to {max(warm):.1f}",
            goal=10,
        ),
        Figure(
            name=SINGLE[1],
            value=round(1e3 * percentile(cold, 0.5), 2),
            unit="ms",
            note=f"median of {_LETTERS} letters, the samples in turn: more kinds than Typst keeps",
        ),
    ]


def _warm(writer: Writer) -> Iterator[float]:
    """Seconds for a letter of a kind that has just been set, to another reader."""
    for sample in _kinds(writer, Channel.LETTER):
        letters = _readers([sample])
        writer.letter(next(letters))
        for letter in islice(letters, _AGAIN):
            began = perf_counter()
            writer.letter(letter)
            yield perf_counter() - began


async def measure_bulk(_engines: Engines, _var: Path, _wanted: Set[str]) -> list[Figure]:
    """``letter_bulk_ms``."""
    writer, found = Writer(TEMPLATES, LOCALES), []
    letters = mailing(writer, (_ROUNDS + 1) * _BULK)
    writer.letters(list(islice(letters, _BULK)))
    for _ in range(_ROUNDS):
        chunk = list(islice(letters, _BULK))
        began = perf_counter()
        writer.letters(chunk)
        found.append(1e3 * (perf_counter() - began) / _BULK)
    note = (
        f"median of {_ROUNDS} documents of {_BULK} letters about a leak, with checks and barcodes;"
        f" each: {', '.join(f'{ms:.2f}' for ms in found)}"
    )
    value = round(median(found), 2)
    return [Figure(name="letter_bulk_ms", value=value, unit="ms", note=note, goal=1.5)]


async def measure_mailing(_engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``letters_30k_s``, ``letters_30k_rss_mb``."""
    log = var / "letters.log"
    with TemporaryDirectory(dir=var) as folder:
        command = (sys.executable, "-m", "tests.bench.letters", str(_MAILING), folder)
        await done(*command, log=log)
    told = json.loads(log.read_text().splitlines()[-1])
    note = f"{_MAILING} letters about a leak, {told['pages']} pages, in one process"
    seconds, memory = round(told["seconds"], 1), round(told["rss_mb"])
    return [
        Figure(name=BULK[0], value=seconds, unit="s", note=note, goal=60),
        Figure(name=BULK[1], value=memory, unit="MB", note=note, goal=1024),
    ]


async def measure_peer(_engines: Engines, var: Path, _wanted: Set[str]) -> list[Figure]:
    """``letter_vs_weasyprint``."""
    name = "letter_vs_weasyprint"
    writer = Writer(TEMPLATES, LOCALES)
    letters = mailing(writer, _WARM + _LETTERS)
    ours = 1e3 * percentile(_times(writer.letter, letters, _LETTERS), 0.5)
    try:
        theirs = await weasy.milliseconds(
            var / "peers", list(islice(mailing(writer, _PEER_LETTERS), _PEER_LETTERS))
        )
    except Absent as absent:
        return [Figure(name=name, value=None, unit="×", note=str(absent), peer=ABSENT)]
    note = f"its median of {_PEER_LETTERS}, one call each, by ours of {_LETTERS} ({ours:.1f} ms)"
    peer = {"name": theirs.label, "value": round(theirs.ms, 1), "unit": "ms"}
    value = round(theirs.ms / ours, 1)
    return [Figure(name=name, value=value, unit="×", note=note, more_is_better=True, peer=peer)]


def _samples(writer: Writer, channel: Channel) -> Iterator[Correspondence]:
    """The samples of all notices, for ever; no two are the same."""
    return _readers(_kinds(writer, channel))


def _kinds(writer: Writer, channel: Channel) -> list[Correspondence]:
    return [
        writer.sample(name, step)
        for name, notice in writer.notices.items()
        if channel in notice.channels
        for step in notice.steps
    ]


def _readers(samples: Sequence[Correspondence]) -> Iterator[Correspondence]:
    """Samples in turn, for ever, each to another reader."""
    for n, sample in enumerate(cycle(samples), start=1):
        reader = replace(sample.recipient, name=_NAMES[n % len(_NAMES)], member_no=f"M{n:06d}")
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
