"""Plans: what a case says by itself and when, and the hours in which readers are written to."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import Final


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One reminder."""

    step: str  # of the notice
    days_before: int  # the deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a case says by itself, as ``notice.toml`` has it. A case knows its plan by name."""

    name: str  # one of a kind over all notices
    notice: str
    steps: tuple[PlanStep, ...]  # the mildest first, the firmest last
    #: Days after the re-charge (without one: the deadline) for which an outcome is waited for;
    #: None: none is, and the case ends with its deadline.
    wait: int | None = None
    over: str | None = None  # the step that is said when no outcome has come


@dataclass(frozen=True, slots=True)
class CutOff:
    """Forms received by a day of a month count from a day of a later month.

    "Received by the 15th counts from the 5th of next month" is (15, 5, 1). A month that lacks
    the day has its last one in its place.
    """

    received_by: int  # 1 to 31
    counts_from: int  # 1 to 31
    months: int = 1  # later


@dataclass(frozen=True, slots=True)
class Hours:
    """Times of a day in Japan between which messages go out: from ``opens``, before ``closes``."""

    opens: time
    closes: time


OFFICE_HOURS: Final = Hours(time(9), time(19))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When the house writes: on open days, within its hours."""

    is_open: Callable[[date], bool]
    hours: Hours | None  # None: at any time of any day, apart from what is planned
