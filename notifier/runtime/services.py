"""What the HTTP interface asks of the house, answered by the joined parts."""

from collections.abc import Sequence

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from notifier.api.keys import key_id_of, matches
from notifier.api.services import Caller, Unavailable
from notifier.intake.accept import Receipt
from notifier.model.actor import Actor, ActorKind
from notifier.model.change import Page
from notifier.model.event import Event
from notifier.model.states import State
from notifier.store import keys
from notifier.store.db import scalar
from notifier.tell.feed import Feed

from .parts import Parts


class HouseServices:
    """Services over the parts of one process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._feed = Feed(parts.engine)

    async def authenticate(self, key: str) -> Caller | None:
        """The owner of a key, asked of the record each time: a revocation counts at once."""
        key_id = key_id_of(key)
        if key_id is None:
            return None
        try:
            async with self._parts.engine.connect() as conn:
                found = await keys.get(conn, key_id)
        except (DBAPIError, OSError) as problem:
            raise Unavailable from problem
        if found is None or not matches(key, bytes(found["secret_hash"])):
            return None
        return Caller(Actor(ActorKind.KEY, key_id), found["source"])

    async def accept(self, events: Sequence[Event], actor: Actor) -> list[Receipt]:
        """Commit all events or none."""
        try:
            return await self._parts.acceptor.accept(events, actor)
        except (DBAPIError, OSError) as problem:
            raise Unavailable from problem

    async def changes(
        self, source: str, after: int | None, *, limit: int, states: Sequence[State]
    ) -> Page:
        """Changes of state of messages that events of a source caused."""
        try:
            start = await self._feed.end() if after is None else after
            return await self._feed.read(start, limit=limit, source=source, states=states)
        except (DBAPIError, OSError) as problem:
            raise Unavailable from problem

    async def ready(self) -> bool:
        """Whether the record answers."""
        try:
            async with self._parts.engine.connect() as conn:
                return bool(await scalar(conn, "SELECT 1"))
        except (SQLAlchemyError, OSError):
            return False
