"""Events: CloudEvents 1.0 with typed, versioned data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from .errors import FieldError

_types: dict[str, Mapping[int, type[BaseModel]]] = {}
#: Every type we take, and the models of its data by version, as ``notifier.rules.rules`` has them.
TYPES: Final[Mapping[str, Mapping[int, type[BaseModel]]]] = MappingProxyType(_types)


def declare(kind: str, models: Mapping[int, type[BaseModel]]) -> None:
    """Take events of a type; only the registry of types calls this."""
    _types[kind] = models


#: How types begin whose events change what is on record of members.
MEMBERS: Final = "member."
#: By how much a sender's clock may be ahead of ours.
CLOCK_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact from outside. (``source``, ``id``) is its identity for ever."""

    source: str
    id: str
    type: str
    version: int  # of the data model
    time: datetime  # aware: when it happened, as the source says
    data: BaseModel  # one of :data:`TYPES`
    supersedes: str | None = None  # id of an earlier event of the same source
    digest: bytes = b""  # SHA-256 of the canonical form; tells a repeat from a contradiction
    raw: bytes = b""  # the event as received, canonical JSON
    notes: tuple[FieldError, ...] = ()  # what is odd about it, and no reason to refuse it

    @property
    def member_no(self) -> str:
        """The member it is about; every type has one."""
        return str(getattr(self.data, "member_no"))  # noqa: B009 (the registry is typed loosely)

    @property
    def matter(self) -> str | None:
        """The refund, charge or renewal that it is about."""
        names = ("refund_id", "charge_id", "renewal")
        return next((str(v) for n in names if (v := getattr(self.data, n, None))), None)
