"""What a provider is, and how what it has sent becomes returns.

Nothing in a request is trusted to have its type.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel

from notifier.intake.attributes import read_time
from notifier.model.errors import BadInput
from notifier.model.returns import Return
from notifier.model.tracking import DeliveredLevel, Finding, Reading, ReturnKind
from notifier.returns.reading import addresses

from . import load

S = TypeVar("S", bound=BaseModel)


class NotGenuine(Exception):
    """A request is not from whom it says. ``challenge``: what a caller must bring (HTTP)."""

    def __init__(self, why: str, challenge: str = "") -> None:
        self.challenge = challenge
        super().__init__(why)


class Provider(ABC, Generic[S]):
    """A provider that the settings name."""

    name: ClassVar[str]
    Settings: ClassVar[type[BaseModel]]
    #: The header that mails must bear so that the provider can name them; empty: none.
    token_header: ClassVar[str] = ""

    def __init__(self, settings: S, now: Callable[[], datetime]) -> None:
        """``now``: the real time. Raises OSError where a file that is named cannot be read."""
        self.settings, self.now = settings, now

    def vouches(self, _headers: Mapping[str, str]) -> bool:
        """Whether the head of a request alone proves who calls.

        Raises :class:`NotGenuine` where it proves that it is nobody whom we listen to.
        """
        return False

    @abstractmethod
    async def read(self, headers: Mapping[str, str], body: bytes) -> list[Return]:
        """What a request tells, perhaps nothing.

        Raises :class:`NotGenuine`, ``BadInput`` on what cannot be its message, and ``Unreachable``
        where it cannot be told yet.
        """

    async def close(self) -> None:
        """Let go of connections."""


class Providers:
    """The providers that the settings name, at work."""

    def __init__(self, given: Mapping[str, BaseModel], now: Callable[[], datetime]) -> None:
        """``given``: name → settings. Raises as :class:`Provider` does."""
        self._at_work = {name: load(name)(one, now) for name, one in given.items()}

    def knows(self, name: str) -> bool:
        """Whether the settings name it."""
        return name in self._at_work

    def vouches(self, name: str, headers: Mapping[str, str]) -> bool:
        """As :meth:`Provider.vouches`."""
        return self._at_work[name].vouches(headers)

    async def read(self, name: str, headers: Mapping[str, str], body: bytes) -> list[Return]:
        """As :meth:`Provider.read`."""
        return await self._at_work[name].read(headers, body)

    async def close(self) -> None:
        """Let go of connections."""
        for provider in self._at_work.values():
            await provider.close()


def or_unknown(
    provider: str, event_id: str, body: bytes, read: Callable[[], Sequence[Return]]
) -> list[Return]:
    """What a genuine request tells; one that cannot be read is for a person, never dropped."""
    try:
        return [*read()]
    except BadInput:
        return [made(provider, event_id, body, ReturnKind.UNKNOWN, (), at=None)]


_MOST_ID: Final = 200


def text(found: Mapping[str, Any], name: str) -> str:
    """A text; empty where there is none."""
    value = found.get(name)
    return value if isinstance(value, str) else ""


def mapping(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object; empty where there is none."""
    value = found.get(name)
    return value if isinstance(value, dict) else {}


def mappings(found: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list."""
    value = found.get(name)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def moment(value: object) -> datetime | None:
    """A moment in RFC 3339; None for anything else."""
    return read_time(value) if isinstance(value, str) else None


def made(
    provider: str,
    event_id: str,
    raw: bytes,
    kind: ReturnKind,
    findings: Iterable[Finding],
    *,
    senders: Iterable[str] = (),
    tokens: Iterable[str] = (),
    message_ids: Iterable[str] = (),
    at: datetime | None,
) -> Return:
    """What came back, told by a provider.

    ``senders``: envelope senders, whose token names the message; ``tokens``: the token itself.
    """
    found = tuple(findings)
    unread = kind is ReturnKind.UNKNOWN
    reading = Reading(
        kind=kind,
        findings=found,
        tokens=(*tokens, *addresses.tokens(senders)),
        message_ids=addresses.message_ids(message_ids),
        reported_by=provider,
        reported_at=at,
        text=raw.decode(errors="replace")[:20_000] if unread else "",
    )
    return Return(
        source=provider,
        external_id=_name(event_id, raw),
        raw=raw,
        reading=reading,
        delivered_from=DeliveredLevel.NEXT_ACCEPTED,
        at=at,
    )


def _name(event_id: str, raw: bytes) -> str:
    """The event's own id, or one made of its bytes."""
    usable = event_id.isascii() and event_id.isprintable() and 0 < len(event_id) <= _MOST_ID
    return event_id if usable else hashlib.sha256(raw).hexdigest()
