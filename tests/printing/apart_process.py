"""A process that sets letters in another one, for tests that kill it: folder, idle or busy."""

import sys
from dataclasses import replace
from pathlib import Path

import psutil

from notifier.printing.typesetting import ProcessWriter
from notifier.rendering.writer import Writer
from tests.samples import LOCALES, TEMPLATES


def main(folder: str, moment: str) -> None:
    """Set letters, say which process did, and set more or wait."""
    writer = Writer(TEMPLATES, LOCALES, scratch=Path(folder))
    sample = writer.sample("refund", "decided")
    many = [replace(sample, number=f"M{n:09d}") for n in range(101)]
    apart = ProcessWriter(writer, TEMPLATES, LOCALES)
    apart.letters(many)
    children = [c for c in psutil.Process().children() if "spawn_main" in " ".join(c.cmdline())]
    sys.stdout.write(f"{' '.join(str(c.pid) for c in children)}\n")
    sys.stdout.flush()
    while moment == "busy":
        apart.letters(many * 9)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
