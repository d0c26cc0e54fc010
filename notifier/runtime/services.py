"""What the HTTP interface asks of the house, answered by the joined parts."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from notifier.api import request_ids
from notifier.api.services import Caller, Unavailable
from notifier.app.access import AccessLog
from notifier.app.api_keys import key_id_of, matches
from notifier.app.decisions import DecisionFeed
from notifier.app.event_intake import Receipt
from notifier.app.event_outcomes import outcome_of
from notifier.app.test_mode import KeyTestMode
from notifier.intake.envelope import Batch
from notifier.logs import get_logger
from notifier.model.access import Denied, Refusal
from notifier.model.actor import Actor, ActorKind, system
from notifier.model.change import Page
from notifier.model.errors import FieldError
from notifier.model.event import Event
from notifier.model.outcome import DecisionPage, EventOutcome
from notifier.model.states import State
from notifier.model.task import TaskDraft, TaskKind
from notifier.returns.effect import apply
from notifier.returns.providers.base import Providers
from notifier.returns.sweep import direct_labels
from notifier.store import keys, tasks
from notifier.store.db import scalar
from notifier.store.failures import failure_of, is_refused, passes, sqlstate_of
from notifier.store.horizon import Unsettled
from notifier.webhooks.feed import Feed
from notifier.webhooks.outside import Unreachable

from .parts import Parts
from .sender import staff_sender

_API: Final = system("api")
_LOOKUPS: Final = 2  # of keys, under way
_log = get_logger(__name__)


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
        self._providers = Providers(parts.settings.providers, lambda: datetime.now(UTC))
        self._direct = direct_labels(parts.settings.relays)
        self._asked: dict[str, asyncio.Task[keys.ApiKey | None]] = {}
        self._lookups = asyncio.Semaphore(_LOOKUPS)

    async def authenticate(self, key: str) -> Caller:
        """The owner of a key, asked of the record each time: a revocation counts at once."""
        key_id = key_id_of(key)
        if key_id is None:
            raise Denied(Refusal.NOT_A_KEY)
        found = await self._key(key_id)
        if found is None:
            raise Denied(Refusal.UNKNOWN_KEY)
        if not matches(key, bytes(found.secret_hash)):
            raise Denied(Refusal.WRONG_KEY, key_id)
        if found.revoked_at is not None:
            raise Denied(Refusal.REVOKED_KEY, key_id)
        if not found.is_confirmed:
            raise Denied(Refusal.WAITING_KEY, key_id)
        if found.expires_at is not None and found.expires_at <= datetime.now(UTC):
            raise Denied(Refusal.EXPIRED_KEY, key_id)
        return Caller(Actor(ActorKind.KEY, key_id), found.source, found.test, found.scopes)

    async def _key(self, key_id: str) -> keys.ApiKey | None:
        """A key as the record has it, read after this was asked.

        Requests that come while look-ups are under way share the next one.
        """
        async with self._record("key"):
            asked = self._asked.get(key_id)
            if asked is None:
                asked = self._asked[key_id] = asyncio.create_task(self._look_up(key_id))
            return await asyncio.shield(asked)

    async def _look_up(self, key_id: str) -> keys.ApiKey | None:
        """A key, on a connection that is kept for it; one that has broken meanwhile is replaced."""
        async with self._lookups:
            del self._asked[key_id]  # whoever comes from now on asks anew
            try:
                return await keys.get(self._parts.direct, key_id)
            except Exception as problem:
                if not passes(problem):
                    raise
                return await keys.get(self._parts.direct, key_id)

    async def refused(self, address: str, interface: str, why: Denied) -> None:
        """Put on record that somebody was turned away."""
        await self._access.refused(address, interface, why.reason, why.name)

    async def accept(self, events: Sequence[Event], caller: Caller) -> Sequence[Receipt]:
        """Commit all events or none; of a test their results only."""
        async with self._record("events"):
            if caller.test:
                return await self._tests.accept(events, caller.actor)
            return await self._parts.acceptor.accept(events, caller.actor)

    async def outcome(self, caller: Caller, event_id: str) -> EventOutcome | None:
        """What became of an event of the caller's source; a test sees tests only."""
        async with self._record("outcome"):
            if caller.test:
                return await self._tests.outcome(caller.source, event_id)
            return await outcome_of(self._parts.engine, caller.source, event_id)

    async def faults(self, batch: Batch, actor: Actor) -> list[FieldError]:
        """Everything that is wrong with a batch of which some is; nothing is kept."""
        async with self._record("events"):
            return await self._parts.acceptor.faults(batch, actor)

    def now(self) -> datetime:
        """The present moment, aware."""
        return self._parts.clock.now()

    async def decisions(
        self, source: str, after: int | None, *, limit: int, only: Sequence[str]
    ) -> DecisionPage:
        """Decisions about events of a source."""
        async with self._record("decisions"):
            start = await self._decisions.end() if after is None else after
            return await self._decisions.read(start, source=source, limit=limit, only=only)

    async def changes(
        self, source: str, after: int | None, *, limit: int, states: Sequence[State]
    ) -> Page:
        """Changes of state of messages that events of a source caused."""
        async with self._record("changes"):
            start = await self._feed.end() if after is None else after
            return await self._feed.read(start, limit=limit, source=source, states=states)

    def listens_to(self, provider: str) -> bool:
        """Whether a mail provider's webhooks are taken."""
        return self._providers.knows(provider)

    def vouches(self, provider: str, headers: Mapping[str, str]) -> bool:
        """Whether the head of a provider's request proves who calls."""
        return self._providers.vouches(provider, headers)

    async def take_returns(self, provider: str, headers: Mapping[str, str], body: bytes) -> None:
        """Commit what a provider tells about mails; the same once more changes nothing."""
        actor, now = system(provider), self._parts.clock.now()
        async with self._record("returns"):
            told = await self._providers.read(provider, headers, body)
            if told:
                async with self._parts.engine.begin() as conn:
                    await apply(conn, told, actor=actor, now=now, direct=self._direct)

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
        except Exception as problem:
            if failure_of(problem) is None:
                raise
            return False

    def periodic_jobs(self) -> list[dict[str, object]]:
        """Each periodic job that this process has run; none where workers run elsewhere."""
        known = self._parts.job_metrics.figures.items()
        return [
            {
                "name": name,
                "runs": f.runs,
                "failures": f.failures,
                "last_run": f.last_run,
                "seconds": round(f.seconds, 3),
            }
            for name, f in sorted(known)
        ]

    @asynccontextmanager
    async def _record(self, what: str) -> AsyncIterator[None]:
        """Say ``Unavailable`` while the record is away; a task tells of what it has refused."""
        try:
            yield
        except (Unsettled, Unreachable) as problem:
            raise Unavailable from problem
        except Exception as problem:
            if passes(problem):
                raise Unavailable from problem
            if is_refused(problem):
                await self._tell_of(what, problem)
            raise

    async def _tell_of(self, what: str, problem: Exception) -> None:
        details = {"code": sqlstate_of(problem) or "", "reference": request_ids.current() or ""}
        key = f"{what}|{details['code']}"
        draft = TaskDraft(kind=TaskKind.DATABASE_REFUSED, key=key, details=details)
        try:
            async with self._parts.engine.begin() as conn:
                await tasks.raise_all(conn, [draft], actor=_API, now=self.now())
        except Exception as another:
            if failure_of(another) is None:
                raise
            _log.error("api.no_task", kind=type(another).__name__)
