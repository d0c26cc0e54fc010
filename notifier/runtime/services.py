"""What the HTTP interface asks of the house, answered by the joined parts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from asyncpg import OperatorInterventionError, PostgresConnectionError, PostgresError
from sqlalchemy import RowMapping
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from notifier.api.services import Caller, Unavailable
from notifier.app.access import AccessLog
from notifier.app.api_keys import key_id_of, matches
from notifier.app.decisions import DecisionFeed
from notifier.app.event_outcomes import outcome_of
from notifier.app.test_mode import KeyTestMode
from notifier.intake.accept import Receipt
from notifier.intake.envelope import Batch
from notifier.model.access import Denied, Refusal, Scope
from notifier.model.actor import Actor, ActorKind, system
from notifier.model.change import Page
from notifier.model.errors import FieldError
from notifier.model.event import Event
from notifier.model.outcome import DecisionPage, EventOutcome
from notifier.model.provider import Provider
from notifier.model.states import State
from notifier.returns.effect import apply
from notifier.returns.providers.desk import ProviderDesk
from notifier.returns.sweep import direct_labels
from notifier.store import keys
from notifier.store.db import scalar
from notifier.store.horizon import Unsettled
from notifier.webhooks.feed import Feed
from notifier.webhooks.outside import Unreachable

from .parts import Parts
from .sender import staff_sender

#: The record cannot be reached, or every connection to it is taken.
_AWAY: Final = (DBAPIError, PoolTimeout, OSError)


class HouseServices:
    """Services over the parts of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._feed = Feed(parts.engine)
        self._decisions = DecisionFeed(parts.engine)
        self._access = AccessLog(parts.engine, parts.clock.now)
        self._tests = KeyTestMode(
            parts.engine,
            parts.acceptor,
            parts.writer,
            staff_sender(parts.settings),
            parts.clock.now,
        )
        self._providers = ProviderDesk(parts.settings.providers, lambda: datetime.now(UTC))
        self._direct = direct_labels(parts.settings.relays)

    async def authenticate(self, key: str) -> Caller:
        """The owner of a key, asked of the record each time: a revocation counts at once."""
        key_id = key_id_of(key)
        if key_id is None:
            raise Denied(Refusal.NOT_A_KEY)
        found = await self._key(key_id)
        if found is None:
            raise Denied(Refusal.UNKNOWN_KEY)
        if not matches(key, bytes(found["secret_hash"])):
            raise Denied(Refusal.WRONG_KEY, key_id)
        if found["revoked_at"] is not None:
            raise Denied(Refusal.REVOKED_KEY, key_id)
        if not found["is_confirmed"]:
            raise Denied(Refusal.WAITING_KEY, key_id)
        if found["expires_at"] is not None and found["expires_at"] <= datetime.now(UTC):
            raise Denied(Refusal.EXPIRED_KEY, key_id)
        scopes = frozenset(Scope(scope) for scope in found["scopes"])
        return Caller(Actor(ActorKind.KEY, key_id), found["source"], found["test"], scopes)

    async def _key(self, key_id: str) -> RowMapping | None:
        """A key, on a connection that is kept for it; one that has broken meanwhile is replaced."""
        try:
            try:
                return await keys.get(self._parts.direct, key_id)
            except (ConnectionError, PostgresConnectionError, OperatorInterventionError):
                return await keys.get(self._parts.direct, key_id)
        except (*_AWAY, PostgresError) as problem:
            raise Unavailable from problem

    async def refused(self, address: str, interface: str, why: Denied) -> None:
        """Put on record that somebody was turned away."""
        await self._access.refused(address, interface, why.reason, why.name)

    async def accept(self, events: Sequence[Event], caller: Caller) -> Sequence[Receipt]:
        """Commit all events or none; of a test their results only."""
        try:
            if caller.test:
                return await self._tests.accept(events, caller.actor)
            return await self._parts.acceptor.accept(events, caller.actor)
        except _AWAY as problem:
            raise Unavailable from problem

    async def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        """What became of an event of the caller's source; a test sees tests only."""
        try:
            if caller.test:
                return await self._tests.outcome(caller.source, event_id)
            return await outcome_of(self._parts.engine, caller.source, event_id)
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

    async def decisions(
        self, source: str, after: int | None, *, limit: int, only: Sequence[str]
    ) -> DecisionPage:
        """Decisions about events of a source."""
        try:
            start = await self._decisions.end() if after is None else after
            return await self._decisions.read(start, source=source, limit=limit, only=only)
        except (*_AWAY, Unsettled) as problem:
            raise Unavailable from problem

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
        """Let go of connections, and write what is counted."""
        await self._access.close()
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
