"""The states of a message and the only table of moves between them."""

from enum import StrEnum
from typing import Final


class Channel(StrEnum):
    """How a message reaches its reader."""

    EMAIL = "email"
    LETTER = "letter"


class State(StrEnum):
    """Where a message stands. Email and letter share the beginning and the ends."""

    HELD = "held"  # waits for a person
    QUEUED = "queued"  # waits for a worker (or for its retry time)
    CLAIMED = "claimed"  # a worker has a lease on it; nothing has left yet
    SENDING = "sending"  # a transmission permit is committed; DATA may have begun
    SENT = "sent"  # the relay took it
    UNCERTAIN = "uncertain"  # the relay may or may not have taken it
    DELIVERED = "delivered"  # evidence beyond the relay
    BOUNCED = "bounced"
    FAILED = "failed"  # refused for good
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    PRINTED = "printed"  # a letter: rendered into a batch
    HANDED_OVER = "handed_over"  # a letter: the press has it
    POSTED = "posted"
    RETURNED = "returned"


_S = State
_WAITING: Final = frozenset({_S.CANCELLED, _S.EXPIRED, _S.SUPPRESSED})

_BOTH: Final = {
    _S.HELD: _WAITING | {_S.QUEUED},
    _S.QUEUED: _WAITING | {_S.HELD},  # to held: a pause
    _S.FAILED: frozenset({_S.QUEUED}),  # a person: retry
    _S.SUPPRESSED: frozenset({_S.QUEUED}),
}

_EMAIL: Final = {
    _S.HELD: _BOTH[_S.HELD],
    _S.QUEUED: _BOTH[_S.QUEUED] | {_S.CLAIMED},
    _S.CLAIMED: _WAITING | {_S.QUEUED, _S.HELD, _S.SENDING},
    _S.SENDING: frozenset({_S.SENT, _S.QUEUED, _S.FAILED, _S.UNCERTAIN}),
    _S.UNCERTAIN: frozenset({_S.SENT, _S.DELIVERED, _S.BOUNCED, _S.QUEUED, _S.FAILED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.BOUNCED}),
    _S.DELIVERED: frozenset({_S.BOUNCED}),  # late bounces count
    _S.BOUNCED: frozenset({_S.SENT, _S.DELIVERED}),  # a bounce that was misread
    _S.FAILED: _BOTH[_S.FAILED],
    _S.SUPPRESSED: _BOTH[_S.SUPPRESSED],
}

_LETTER: Final = {
    _S.HELD: _BOTH[_S.HELD],
    _S.QUEUED: _BOTH[_S.QUEUED] | {_S.PRINTED, _S.FAILED},
    _S.PRINTED: frozenset({_S.HANDED_OVER, _S.HELD, _S.CANCELLED, _S.QUEUED, _S.FAILED}),
    # A hand-over that broke off leaves it open whether the press has the batch.
    _S.HANDED_OVER: frozenset({_S.POSTED, _S.UNCERTAIN, _S.FAILED}),
    _S.UNCERTAIN: frozenset({_S.HANDED_OVER, _S.QUEUED, _S.FAILED}),
    _S.POSTED: frozenset({_S.RETURNED}),
    _S.FAILED: _BOTH[_S.FAILED],
    _S.SUPPRESSED: _BOTH[_S.SUPPRESSED],
}

#: States in which a message comes to be.
INITIAL: Final = frozenset({_S.HELD, _S.QUEUED, _S.SUPPRESSED})

MOVES: Final = {Channel.EMAIL: _EMAIL, Channel.LETTER: _LETTER}

#: States in which nothing has left the house yet, so that a message can still be stopped.
UNSENT: Final = frozenset({_S.HELD, _S.QUEUED, _S.CLAIMED, _S.PRINTED})


class IllegalMove(Exception):
    """A change of state that the table does not have."""

    def __init__(self, channel: Channel, before: State, after: State) -> None:
        super().__init__(f"{channel}: {before} → {after} is not a move")


def may_move(channel: Channel, before: State, after: State) -> bool:
    """Whether the table has this move."""
    return after in MOVES[channel].get(before, frozenset())


def check_move(channel: Channel, before: State, after: State) -> None:
    """Raise :class:`IllegalMove` unless the table has this move."""
    if not may_move(channel, before, after):
        raise IllegalMove(channel, before, after)


def sources(channel: Channel, after: State) -> tuple[State, ...]:
    """All states from which ``after`` can be reached, in order of the enum."""
    return tuple(s for s in State if may_move(channel, s, after))
