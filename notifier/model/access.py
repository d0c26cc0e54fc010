"""Refused access: who was turned away where, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Scope(StrEnum):
    """What an API key is good for. Labels: ``scope.<value>``."""

    EVENTS_WRITE = "events.write"  # send events
    MEMBERS_WRITE = "members.write"  # send events that change what is on record of members
    EVENTS_READ = "events.read"  # what became of events
    DELIVERIES_READ = "deliveries.read"  # what became of messages


#: What a new key is good for unless said otherwise; rights over members need a second person.
USUAL_SCOPES: Final = frozenset(Scope) - {Scope.MEMBERS_WRITE}


class Refusal(StrEnum):
    """Why somebody was turned away. Labels: ``refusal.<value>``."""

    NO_KEY = "no_key"
    NOT_A_KEY = "not_a_key"  # something else than one bearer key of ours
    UNKNOWN_KEY = "unknown_key"
    WRONG_KEY = "wrong_key"  # the key is known, its secret is another
    REVOKED_KEY = "revoked_key"
    EXPIRED_KEY = "expired_key"
    WAITING_KEY = "waiting_key"  # for the second person that its rights need
    OUT_OF_SCOPE = "out_of_scope"  # a key in force that is not good for this
    SOURCE_MISMATCH = "source_mismatch"  # a key in force, events of another source
    WRONG_CREDENTIALS = "wrong_credentials"  # of a mail provider's webhook


class Denied(Exception):
    """Access is refused. ``name``: the id of a key that is known; never anything secret."""

    def __init__(self, reason: Refusal, name: str = "") -> None:
        self.reason, self.name = reason, name
        super().__init__(reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedAccess:
    """How often somebody was turned away in one minute."""

    minute: datetime
    address: str  # network of it for IPv6; ``*``: others, of whom there were too many
    interface: str  # ``api``, ``webhooks/<provider>``
    reason: str
    name: str
    count: int
    last_at: datetime
