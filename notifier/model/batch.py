"""Batches of letters: their states and names."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from .errors import NotFound
from .numbers import number_of


class BatchState(StrEnum):
    """Where a batch stands."""

    OPEN = "open"  # is being collected
    PRINTED = "printed"  # its files are in place
    HANDING_OVER = "handing_over"  # the press may have it at any moment
    UNCERTAIN = "uncertain"  # the hand-over broke off: the press may or may not have it
    HANDED_OVER = "handed_over"
    POSTED = "posted"  # of each piece it is known what became of it
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch in a list."""

    batch_id: int
    posting_day: date | None
    state: BatchState
    pieces: int | None
    pages: int | None
    yen: int | None
    folder: str
    created_at: datetime
    handed_over_at: datetime | None
    created_by: str
    handed_over_by: str | None
    target: str | None


def batch_name(batch_id: int) -> str:
    """The name of a batch, by which the press knows it."""
    return f"B{batch_id:06d}"


def batch_number(text: str) -> int:
    """Return the id behind a name in any form that is shown. Raises :class:`NotFound`."""
    found = number_of("batch", text)
    if found is None:
        raise NotFound("batch", text)
    return found
