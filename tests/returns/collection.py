"""The samples of things that come back, and what is true of each.

``truth.jsonl`` of a folder has one object a line, as ``samples/README.md`` says. ``heldout`` is by
another author and written without sight of the reader, ``further`` after descriptions of formats.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from notifier.model.tracking import BounceReason, ReturnKind

SAMPLES: Final = Path(__file__).parent / "samples"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one recipient."""

    recipient: str
    kind: ReturnKind
    reason: BounceReason | None
    also: frozenset[BounceReason]  # reasons that are as right
    hard: bool | None  # None: the mail leaves it open
    status: str | None  # None: the mail gives none


@dataclass(frozen=True, slots=True)
class Sample:
    """One mail that came back."""

    folder: Path
    file: str  # below the folder
    source: str  # who made it, or whose format it follows
    kind: ReturnKind
    truths: tuple[Truth, ...]

    @property
    def data(self) -> bytes:
        """The mail, byte for byte."""
        return (self.folder / self.file).read_bytes()

    @property
    def group(self) -> str:
        """Whose format it is: the file's name without its number."""
        return self.file.rpartition("-")[0]


def samples(folder: Path = SAMPLES) -> list[Sample]:
    """All samples of a folder, in the order of its manifest."""
    lines = (folder / "truth.jsonl").read_text().splitlines()
    return [_sample(folder, json.loads(line)) for line in lines]


def _sample(folder: Path, given: dict[str, Any]) -> Sample:
    return Sample(
        folder=folder,
        file=given["file"],
        source=given["source"],
        kind=ReturnKind(given["kind"]),
        truths=tuple(_truth(one) for one in given["findings"]),
    )


def _truth(given: dict[str, Any]) -> Truth:
    reason = given.get("reason")
    return Truth(
        recipient=given["recipient"],
        kind=ReturnKind(given["kind"]),
        reason=BounceReason(reason) if reason else None,
        also=frozenset(BounceReason(one) for one in given.get("also", ())),
        hard=given.get("hard"),
        status=given.get("status"),
    )
