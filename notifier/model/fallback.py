"""Fallback: what is done about a mail that has not reached its reader."""

from enum import StrEnum


class Fallback(StrEnum):
    """What was decided, once for each mail. Labels: ``fallback.<value>`` in the catalogues."""

    LETTER = "letter"  # a letter takes over
    # nothing is to be done
    ENDED = "ended"  # its matter has ended
    OVERTAKEN = "overtaken"  # a later message about the matter says what counts now
    # a person is asked
    TOO_LATE = "too_late"  # a letter would arrive after the last day on which it is of use
    NO_POSTAL_ADDRESS = "no_postal_address"
    LETTER_STOPPED = "letter_stopped"  # it had a letter, which was taken back before it left
    RETURNED = "returned"  # of a letter: the post has brought it back


#: Decisions that make a task.
ASKS = frozenset(
    {
        Fallback.TOO_LATE,
        Fallback.NO_POSTAL_ADDRESS,
        Fallback.LETTER_STOPPED,
        Fallback.RETURNED,
    }
)
