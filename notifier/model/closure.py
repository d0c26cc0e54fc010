"""Closures: days on which the association itself does not work."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """A stretch of closed days, such as those of Obon."""

    first: date
    last: date  # included
    name: str = ""
    scheme: str = ""  # whose; empty: the whole association's

    def holds_on(self, day: date, scheme: str = "") -> bool:
        """Whether ``day`` is closed because of it, for a scheme (empty: for the association)."""
        return self.first <= day <= self.last and self.scheme in ("", scheme)


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """A stretch of closed days on record."""

    closure_id: int
    first_day: date
    last_day: date
    name: str
    scheme: str | None  # None: of all
