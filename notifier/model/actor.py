"""Who did something. Every change of the record names its actor."""

import re
from dataclasses import dataclass
from enum import StrEnum

_NAME = re.compile(r"[\w.@+-]{1,64}")


class ActorKind(StrEnum):
    """What stands behind an act."""

    SYSTEM = "system"  # a part of the engine itself: worker, sweep, tick
    KEY = "key"  # a caller of the HTTP interface, by the id of its API key
    USER = "user"  # a person at the command line or console, who has signed in
    SERVICE = "service"  # a script, by the name of its service account


@dataclass(frozen=True, slots=True)
class Actor:
    """A system, an API key or a person; written as ``kind:name`` in the record."""

    kind: ActorKind
    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"an actor's name is 1 to 64 letters, digits or . @ + - _: {self.name!r}"
            )

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @classmethod
    def parse(cls, text: str) -> "Actor":
        """Read the ``kind:name`` form back."""
        kind, _, name = text.partition(":")
        return cls(ActorKind(kind), name)


def system(part: str) -> Actor:
    """The actor for a part of the engine, such as ``system:worker``."""
    return Actor(ActorKind.SYSTEM, part)
