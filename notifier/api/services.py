"""What the HTTP interface asks of the house; joined at start-up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.app.event_intake import Receipt
from notifier.intake.envelope import Batch
from notifier.model.access import Denied, Scope
from notifier.model.actor import Actor
from notifier.model.change import Page
from notifier.model.errors import FieldError
from notifier.model.event import Event
from notifier.model.outcome import DecisionPage, EventOutcome
from notifier.model.states import State


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, and the only source whose events they may send."""

    actor: Actor
    source: str
    test: bool = False  # whether the key is for tests: nothing that it sends becomes real
    scopes: frozenset[Scope] = frozenset(Scope)  # what the key is good for


class Unavailable(Exception):
    """The record cannot be reached; nothing was kept, and the same request may be sent again."""


class Services(Protocol):
    """The house, as HTTP sees it."""

    async def authenticate(self, key: str) -> Caller:
        """The owner of an API key that is in force. Raises ``Denied``."""
        ...

    async def refused(self, address: str, interface: str, why: Denied) -> None:
        """Put on record that somebody was turned away. Never raises."""
        ...

    async def accept(self, events: Sequence[Event], caller: Caller) -> Sequence[Receipt]:
        """Commit all events or none; of a test their results only.

        Raises ``BadInput``, ``Conflict``, or :class:`Unavailable` where the record is away.
        """
        ...

    async def faults(self, batch: Batch, actor: Actor) -> Sequence[FieldError]:
        """Everything that is wrong with a batch of which some is; nothing is kept.

        Raises :class:`Unavailable` where the record is away.
        """
        ...

    def now(self) -> datetime:
        """The present moment, aware."""
        ...

    async def changes(
        self, source: str, after: int | None, *, limit: int, states: Sequence[State]
    ) -> Page:
        """Changes of state of messages that events of a source caused.

        ``after``: position to read on from; None: from now on. Raises ``UnknownPosition``, or
        :class:`Unavailable` where the record is away.
        """
        ...

    async def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        """What became of an event of the caller's source; None of one that never came.

        Raises :class:`Unavailable` where the record is away.
        """
        ...

    async def decisions(
        self, source: str, after: int | None, *, limit: int, only: Sequence[str]
    ) -> DecisionPage:
        """Decisions about events of a source, as :meth:`changes`; ``only``: of these outcomes."""
        ...

    def listens_to(self, provider: str) -> bool:
        """Whether a mail provider's webhooks are taken."""
        ...

    def vouches(self, provider: str, headers: Mapping[str, str]) -> bool:
        """Whether the head of a provider's request proves who calls, before a body is read.

        Raises ``NotGenuine`` where it proves that it is nobody whom we listen to.
        """
        ...

    async def take_returns(self, provider: str, headers: Mapping[str, str], body: bytes) -> None:
        """Commit what a provider tells about mails; the same once more changes nothing.

        Raises ``NotGenuine``, ``BadInput``, or :class:`Unavailable` where it must be told again.
        """
        ...

    async def ready(self) -> bool:
        """Whether events can be accepted now."""
        ...

    def periodic_jobs(self) -> list[dict[str, object]]:
        """Each periodic job that this process has run: name, last run, seconds, failures."""
        ...
