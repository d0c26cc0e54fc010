"""Figures: what was measured, and what it should be."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ABSENT: Final = "absent"


class Absent(Exception):
    """What a figure is measured with or against is not on this machine; the text says what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured value."""

    name: str
    value: float | None  # None: could not be measured; the note says why
    unit: str
    note: str  # how it was measured
    goal: float | None = None
    more_is_better: bool = False
    peer: dict[str, Any] | str | None = None  # {"name", "value", "unit"}, or "absent"

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without a goal or a value."""
        if self.goal is None or self.value is None:
            return None
        return self.value >= self.goal if self.more_is_better else self.value <= self.goal

    def to_json(self) -> dict[str, Any]:
        """As the summary has it."""
        return {
            "value": self.value,
            "unit": self.unit,
            "goal": self.goal,
            "met": self.met,
            "peer": self.peer,
            "note": self.note,
        }


def percentile(values: Iterable[float], part: float) -> float:
    """The value that ``part`` (0 to 1) of all do not exceed: the nearest rank."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, max(0, -int(-part * len(ranked) // 1) - 1))]


def write_summary(figures: Iterable[Figure], path: Path) -> None:
    """The summary of one sitting."""
    found = {figure.name: figure.to_json() for figure in figures}
    path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
