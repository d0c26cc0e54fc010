"""Batches of letters: their states and names."""

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


def batch_name(batch_id: int) -> str:
    """The name of a batch, by which the press knows it."""
    return f"B{batch_id:06d}"


def batch_number(text: str) -> int:
    """Return the id behind a name in any form that is shown. Raises :class:`NotFound`."""
    found = number_of("batch", text)
    if found is None:
        raise NotFound("batch", text)
    return found
