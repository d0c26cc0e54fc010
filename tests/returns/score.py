"""How well the samples are read: ``python -m tests.returns.score``, with ``-v`` for the misses.

A folder given as an argument (``tests/returns/heldout``) is scored instead of ``samples``.

Recipients count as intersection over union, so that a false one costs as much as a missed one.
Everything else counts by recipient, of what the truth knows; kind counts by mail.
"""

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from notifier.model.tracking import Finding, ReturnKind
from tests.returns.collection import SAMPLES, Sample, Truth, samples
from tests.returns.readers import Reader, readers

ASPECTS: Final = ("recipients", "kind", "reason", "hard", "status")
#: Kinds whose recipients are counted: who answers is none, and a complaint may hide its own.
_NAMED: Final = {
    ReturnKind.BOUNCED,
    ReturnKind.DELAYED,
    ReturnKind.DELIVERED,
    ReturnKind.COMPLAINT,
}


@dataclass(slots=True)
class Tally:
    """Right ones and all, by aspect."""

    right: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    all: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    misses: list[str] = field(default_factory=list)

    def count(self, aspect: str, right: int, of: int = 1) -> None:
        """Some more of an aspect."""
        self.right[aspect] += right
        self.all[aspect] += of

    def rate(self, aspect: str) -> float:
        """Between 0 and 1; 1 where nothing was to be found."""
        return self.right[aspect] / self.all[aspect] if self.all[aspect] else 1.0

    def add(self, other: "Tally") -> None:
        """The counts of another."""
        for aspect in ASPECTS:
            self.count(aspect, other.right[aspect], other.all[aspect])
        self.misses += other.misses


def judge(sample: Sample, reader: Reader) -> Tally:
    """How one sample is read."""
    tally = Tally()
    kind, findings = reader(sample.data)
    tally.count("kind", kind is sample.kind)
    if kind is not sample.kind:
        tally.misses.append(f"{sample.file}: kind {kind}, is {sample.kind}")
    if sample.kind in _NAMED and sample.truths:
        _recipients(sample, findings, tally)
    return tally


def _recipients(sample: Sample, findings: list[Finding], tally: Tally) -> None:
    found = {_folded(one.recipient): one for one in findings if one.recipient}
    wanted = {_folded(truth.recipient): truth for truth in sample.truths}
    tally.count("recipients", len(found.keys() & wanted.keys()), len(found.keys() | wanted.keys()))
    if found.keys() != wanted.keys():
        tally.misses.append(f"{sample.file}: recipients {sorted(found)}, are {sorted(wanted)}")
    for address, truth in wanted.items():
        _details(sample, truth, found.get(address), tally)


def _details(sample: Sample, truth: Truth, finding: Finding | None, tally: Tally) -> None:
    for aspect in ("reason", "hard", "status"):
        wanted = getattr(truth, aspect)
        if wanted is None:
            continue
        read = getattr(finding, aspect) if finding else None
        right = read == wanted or (aspect == "reason" and read in truth.also)
        tally.count(aspect, right)
        if finding and not right:
            tally.misses.append(f"{sample.file}: {aspect} {read}, is {wanted} | {finding.reply}")


def _folded(address: str) -> str:
    return address.strip().strip("<>").lower()


def score(reader: Reader, given: list[Sample] | None = None) -> dict[str, Tally]:
    """By group of samples; the total under ``""``."""
    by_group: dict[str, Tally] = defaultdict(Tally)
    for sample in samples() if given is None else given:
        tally = judge(sample, reader)
        by_group[sample.group].add(tally)
        by_group[""].add(tally)
    return by_group


def main() -> None:
    """Print a table for every reader, and with ``-v`` the misses of the first."""
    folder = next((Path(one) for one in sys.argv[1:] if one != "-v"), SAMPLES)
    given = samples(folder)
    known = readers()
    scores = {name: score(reader, given) for name, reader in known.items()}
    first = next(iter(scores.values()))
    lines = ["  ".join([f"{'':24}{'mails':>6}", *(f"{name:>36}" for name in known)])]
    lines.append("  ".join([" " * 30, *("  rcpt   kind reason   hard  status" for _ in known)]))
    for group in [*sorted(first)[1:], ""]:
        rates = [
            " ".join(f"{100 * tallies[group].rate(aspect):6.1f}" for aspect in ASPECTS)
            for tallies in scores.values()
        ]
        lines.append("  ".join([f"{group or 'all':24}{first[group].all['kind']:6}", *rates]))
    if "-v" in sys.argv:
        lines += first[""].misses
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
