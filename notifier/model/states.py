"""The states of a message, the channels, and the only table of moves for each."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, Self

from pydantic_core import CoreSchema, PydanticCustomError, core_schema


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

#: The moves of a message that waits, or has come to nothing: the same on every channel.
WAITING_MOVES: Final[Mapping[State, frozenset[State]]] = {
    _S.HELD: _WAITING | {_S.QUEUED},
    _S.QUEUED: _WAITING | {_S.HELD},  # to held: a pause
    _S.FAILED: frozenset({_S.QUEUED}),  # a person: retry
    _S.SUPPRESSED: frozenset({_S.QUEUED}),
}

_EMAIL: Final = {
    _S.HELD: WAITING_MOVES[_S.HELD],
    _S.QUEUED: WAITING_MOVES[_S.QUEUED] | {_S.CLAIMED},
    _S.CLAIMED: _WAITING | {_S.QUEUED, _S.HELD, _S.SENDING},
    _S.SENDING: frozenset({_S.SENT, _S.QUEUED, _S.FAILED, _S.UNCERTAIN}),
    _S.UNCERTAIN: frozenset({_S.SENT, _S.DELIVERED, _S.BOUNCED, _S.QUEUED, _S.FAILED}),
    _S.SENT: frozenset({_S.DELIVERED, _S.BOUNCED}),
    _S.DELIVERED: frozenset({_S.BOUNCED}),  # late bounces count
    _S.BOUNCED: frozenset({_S.SENT, _S.DELIVERED}),  # a bounce that was misread
    _S.FAILED: WAITING_MOVES[_S.FAILED],
    _S.SUPPRESSED: WAITING_MOVES[_S.SUPPRESSED],
}

_LETTER: Final = {
    _S.HELD: WAITING_MOVES[_S.HELD],
    _S.QUEUED: WAITING_MOVES[_S.QUEUED] | {_S.PRINTED, _S.FAILED},
    _S.PRINTED: frozenset({_S.HANDED_OVER, _S.HELD, _S.CANCELLED, _S.QUEUED, _S.FAILED}),
    # A hand-over that broke off leaves it open whether the press has the batch.
    _S.HANDED_OVER: frozenset({_S.POSTED, _S.UNCERTAIN, _S.FAILED}),
    _S.UNCERTAIN: frozenset({_S.HANDED_OVER, _S.QUEUED, _S.FAILED}),
    _S.POSTED: frozenset({_S.RETURNED}),
    _S.FAILED: WAITING_MOVES[_S.FAILED],
    _S.SUPPRESSED: WAITING_MOVES[_S.SUPPRESSED],
}

#: States in which a message comes to be.
INITIAL: Final = frozenset({_S.HELD, _S.QUEUED, _S.SUPPRESSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRules:
    """The pure half of a channel; ``notifier.channels`` has the other half, which does things."""

    moves: Mapping[State, frozenset[State]]
    way: tuple[State, ...]  # from queued to out of the door, as a simulation takes it
    needs: str  # what a member must have to be reached by it: a field of Member and of its contact
    files: tuple[str, ...]  # templates that a notice needs for it, besides its words
    paper: bool = False  # goes by post: it bears an address, is collected, and takes days


_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_REGISTERED: Final[dict[str, "Channel"]] = {}
_RULES: Final[dict[str, ChannelRules]] = {}


class _Registered(type):
    def __iter__(cls) -> Iterator["Channel"]:
        return iter(_REGISTERED.values())


class Channel(str, metaclass=_Registered):
    """How a message reaches its reader: a name that is registered. The same name is one object."""

    __slots__ = ()
    EMAIL: ClassVar["Channel"]
    LETTER: ClassVar["Channel"]

    def __new__(cls, name: str) -> Self:
        """Find a channel by its name. Raises ValueError unless it is registered."""
        found = _REGISTERED.get(name)
        if not isinstance(found, cls):
            raise ValueError(f"{name!r} is not a channel: {', '.join(_REGISTERED)}")
        return found

    @classmethod
    def register(cls, name: str, rules: ChannelRules) -> Self:
        """Make a name a channel, when the program is loaded. Raises ValueError if it is one."""
        if name in _REGISTERED or not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is taken, or is not a name in lower case")
        made = str.__new__(cls, name)
        _REGISTERED[name], _RULES[name] = made, rules
        return made

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> CoreSchema:
        """In payloads: its name, or one of the type already."""

        def read(value: object) -> Channel:
            try:
                return cls(value) if isinstance(value, str) else cls("")
            except ValueError:
                names = " or ".join(map(repr, _REGISTERED))
                raise PydanticCustomError(
                    "enum", "Input should be {expected}", {"expected": names}
                ) from None

        return core_schema.no_info_plain_validator_function(
            read, json_schema_input_schema=core_schema.literal_schema([*_REGISTERED])
        )

    @property
    def rules(self) -> ChannelRules:
        """What is pure of it."""
        return _RULES[self]


Channel.EMAIL = Channel.register(
    "email",
    ChannelRules(
        moves=_EMAIL,
        way=(State.CLAIMED, State.SENDING, State.SENT),
        needs="email",
        files=("subject.txt", "body.txt", "body.mjml"),
    ),
)
Channel.LETTER = Channel.register(
    "letter",
    ChannelRules(
        moves=_LETTER,
        way=(State.PRINTED, State.HANDED_OVER),
        needs="address",
        files=("letter.typ",),
        paper=True,
    ),
)

#: States in which nothing has left the house yet, so that a message can still be stopped.
UNSENT: Final = frozenset({_S.HELD, _S.QUEUED, _S.CLAIMED, _S.PRINTED})


class IllegalMove(Exception):
    """A change of state that the table does not have."""

    def __init__(self, channel: Channel, before: State, after: State) -> None:
        super().__init__(f"{channel}: {before} → {after} is not a move")


def may_move(channel: Channel, before: State, after: State) -> bool:
    """Whether the table has this move."""
    return after in channel.rules.moves.get(before, frozenset())


def check_move(channel: Channel, before: State, after: State) -> None:
    """Raise :class:`IllegalMove` unless the table has this move."""
    if not may_move(channel, before, after):
        raise IllegalMove(channel, before, after)


def sources(channel: Channel, after: State) -> tuple[State, ...]:
    """All states from which ``after`` can be reached, in order of the enum."""
    return tuple(s for s in State if may_move(channel, s, after))
