"""``python -m tests.bench.letters COUNT FOLDER``: a mailing of letters, in documents of 500.

Prints seconds, resident memory at most (MB) and pages as JSON. While one document is set, the
next one's letters are checked, as the work for the press does.
"""

import json
import resource
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Final

from notifier.demo import members
from notifier.model.correspondence import Correspondence
from notifier.rendering.writer import Writer
from tests.samples import LOCALES, TEMPLATES

_CHUNK: Final = 500  # letters in a document: larger ones take more memory and hardly less time
_AT_ONCE: Final = 2  # documents: one is set, one is checked


def mailing(writer: Writer, count: int) -> Iterator[Correspondence]:
    """The letter about a leak to so many readers, with names and addresses all over Japan."""
    sample = writer.sample("apology", "data_leak")
    homes = [m for m in members.generate() if m.address is not None]
    for n, m in enumerate(islice(cycle(homes), count)):
        to = replace(sample.recipient, name=m.name, member_no=m.member_no, address=m.address)
        yield replace(sample, number=f"M{n:09d}", recipient=to)


def main() -> None:
    """Write the mailing into files of the folder."""
    count, folder = int(sys.argv[1]), Path(sys.argv[2])
    writer = Writer(TEMPLATES, LOCALES)
    chunks = iter(_chunks(mailing(writer, count)))
    writer.letters(list(islice(mailing(writer, 50), 50)))  # warm

    def write(given: tuple[int, Sequence[Correspondence]]) -> int:
        bulk = writer.letters(given[1])
        (folder / f"{given[0]}.pdf").write_bytes(bulk.pdf)
        return sum(bulk.pages)

    began = perf_counter()
    pages = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while some := list(islice(chunks, 2 * _AT_ONCE)):
            pages += sum(pool.map(write, some))
    seconds = perf_counter() - began
    rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rss_mb": rss, "pages": pages}))  # noqa: T201


def _chunks(letters: Iterator[Correspondence]) -> Iterator[tuple[int, Sequence[Correspondence]]]:
    n = 0
    while chunk := list(islice(letters, _CHUNK)):
        yield n, chunk
        n += 1


if __name__ == "__main__":
    main()
