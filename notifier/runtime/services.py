"""What the HTTP interface asks of the house, answered by the joined parts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notifier.api.keys import key_id_of, matches
from notifier.api.services import Caller, Unavailable
from notifier.intake.accept import Receipt
from notifier.intake.envelope import Batch
from notifier.model.actor import Actor, ActorKind, system
from notifier.model.change import Page
from notifier.model.errors import FieldError
from notifier.model.event import Event
from notifier.model.provider import Provider
from notifier.model.states import State
from notifier.store import keys
from notifier.store.db import scalar
from notifier.tell.feed import Feed, Unsettled
from notifier.tell.outside import Unreachable
from notifier.track.effect import apply
from notifier.track.providers.desk import ProviderDesk
from notifier.track.sweep import direct_labels

from .parts import Parts

#: The record cannot be reached, or every connection to it is taken.
_AWAY: Final = (DBAPIError, PoolTimeout, OSError)


class HouseServices:
    """Services over the parts of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._feed = Feed(parts.engine)
        self._providers = ProviderDesk(parts.settings.providers, lambda: datetime.now(UTC))
        self._direct = direct_labels(parts.settings.relays)

    async def authenticate(self, key: str) -> Caller | None:
        """The owner of a key, asked of the record each time: a revocation counts at once."""
        key_id = key_id_of(key)
        if key_id is None:
            return None
        try:
            async with self._parts.engine.connect() as conn:
                found = await keys.get(conn, key_id)
        except _AWAY as problem:
            raise Unavailable from problem
        if found is None or not matches(key, bytes(found["secret_hash"])):
            return None
        return Caller(Actor(ActorKind.KEY, key_id), found["source"])

    async def accept(self, events: Sequence[Event], actor: Actor) -> list[Receipt]:
        """Commit all events or none."""
        try:
            return await self._parts.acceptor.accept(events, actor)
        except _AWAY as problem:
            raise Unavailable from problem

    async def faults(self, batch: Batch, actor: Actor) -> list[FieldError]:
        """Everything that is wrong with a batch of which some is; nothing is kept."""
        try:
            return await self._parts.acceptor.faults(batch, actor)
        except _AWAY as problem:
            raise Unavailable from problem

    def now(self) -> datetime:
        """The present moment, aware."""
        return self._parts.clock.now()

    async def changes(
        self, source: str, after: int | None, *, limit: int, states: Sequence[State]
    ) -> Page:
        """Changes of state of messages that events of a source caused."""
        try:
            start = await self._feed.end() if after is None else after
            return await self._feed.read(start, limit=limit, source=source, states=states)
        except (*_AWAY, Unsettled) as problem:
            raise Unavailable from problem

    def listens_to(self, provider: Provider) -> bool:
        """Whether a mail provider's webhooks are taken."""
        return self._providers.knows(provider)

    def vouches(self, provider: Provider, headers: Mapping[str, str]) -> bool:
        """Whether the head of a provider's request proves who calls."""
        return self._providers.vouches(provider, headers)

    async def take_returns(
        self, provider: Provider, headers: Mapping[str, str], body: bytes
    ) -> None:
        """Commit what a provider tells about mails; the same once more changes nothing."""
        actor, now = system(provider), self._parts.clock.now()
        try:
            told = await self._providers.read(provider, headers, body)
            if told:
                async with self._parts.engine.begin() as conn:
                    await apply(conn, told, actor=actor, now=now, direct=self._direct)
        except (*_AWAY, Unreachable) as problem:
            raise Unavailable from problem

    async def close(self) -> None:
        """Let go of connections."""
        await self._providers.close()

    async def ready(self) -> bool:
        """Whether the record answers, and whatever runs in the background runs."""
        if self._parts.supervisor.failing:
            return False
        try:
            async with self._parts.engine.connect() as conn:
                return bool(await scalar(conn, "SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
