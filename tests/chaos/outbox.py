"""Outboxes: what billing sends again and again until it has seen that it was accepted."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Any, Final

import httpx
import orjson
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from notifier.runtime.event_stream import FIELD, GROUP
from tests.chaos.traffic import Json

_SET: Final = 500  # events in one request, entries in one round trip
_PAUSE: Final = 0.2  # seconds before the next try
_PATIENCE: Final = 30.0  # seconds for an answer
_ERRORS: Final = (RedisError, OSError, TimeoutError)
_LATER: Final = (202, 408, 429)
_Place = tuple[int, int]  # the id of an entry


class Outbox:
    """Events that wait, and the ids of those that were accepted."""

    def __init__(self) -> None:
        self.accepted: set[str] = set()
        self.again = 0  # events that had to be tried again, each time counted
        self._waiting: dict[str, Json] = {}

    def put(self, events: Iterable[Json]) -> None:
        """Send these."""
        self._waiting.update({event["id"]: event for event in events})

    @property
    def waiting(self) -> int:
        """How many have not been seen to be accepted."""
        return len(self._waiting)

    def _done(self, ids: Iterable[str]) -> None:
        for event_id in ids:
            del self._waiting[event_id]
            self.accepted.add(event_id)


class HttpOutbox(Outbox):
    """By HTTP in batches: 202 means accepted; no answer, 408, 429 or 503 means again."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__()
        self._url = f"http://127.0.0.1:{port}/v1/events"
        self._headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/cloudevents-batch+json",
        }

    async def run(self) -> None:
        """Send for ever. Raises RuntimeError for an answer that no repeat will change."""
        async with httpx.AsyncClient(headers=self._headers, timeout=_PATIENCE) as client:
            while True:
                batch = [*self._waiting.values()][:_SET]
                if batch and await self._post(client, batch):
                    self._done(event["id"] for event in batch)
                    continue
                self.again += len(batch)
                await asyncio.sleep(_PAUSE)

    async def _post(self, client: httpx.AsyncClient, batch: list[Json]) -> bool:
        try:
            answer = await client.post(self._url, content=orjson.dumps(batch))
        except httpx.TransportError:
            return False
        if answer.status_code not in _LATER and answer.status_code < 500:
            raise RuntimeError(f"{answer.status_code}: {answer.text}")
        return answer.status_code == 202


class StreamOutbox(Outbox):
    """By the stream: an entry is accepted once the group has acknowledged it.

    Acknowledged is what the group was given and no longer has pending. An entry that has gone
    from the stream before that (the whole Redis was emptied) is added anew. What was accepted
    is deleted: the stream is its producer's.
    """

    def __init__(self, url: str, name: str) -> None:
        super().__init__()
        self._name = name
        self._redis: Redis = Redis.from_url(url)
        self._added: dict[str, tuple[_Place, bytes]] = {}  # event id → its entry

    async def run(self) -> None:
        """Send for ever."""
        while True:
            try:
                await self._add([e for e in self._waiting if e not in self._added][:_SET])
                await self._look()
            except _ERRORS:
                await asyncio.sleep(_PAUSE)
            await asyncio.sleep(_PAUSE / 4)

    async def close(self) -> None:
        """Let go of the connection."""
        with contextlib.suppress(*_ERRORS):
            await self._redis.aclose()

    async def _add(self, ids: list[str]) -> None:
        texts = {event_id: orjson.dumps(self._waiting[event_id]) for event_id in ids}
        pipe = self._redis.pipeline(transaction=False)
        for text in texts.values():
            pipe.xadd(self._name, {FIELD: text})
        places = await pipe.execute() if ids else []
        # Where no answer comes the entries may be there all the same: twice does no harm.
        for (event_id, text), place in zip(texts.items(), places, strict=True):
            self._added[event_id] = _place(place), text

    async def _look(self) -> None:
        """See what has been acknowledged, and what has gone."""
        if not self._added:
            return
        pipe = self._redis.pipeline(transaction=True)
        pipe.xrange(self._name)
        pipe.xinfo_groups(self._name)
        pipe.xpending_range(self._name, GROUP, "-", "+", 100_000)
        entries, groups, pending = await pipe.execute(raise_on_error=False)
        there = {} if isinstance(entries, Exception) else dict(entries)
        known = {_place(place): fields.get(FIELD) for place, fields in there.items()}
        gone = [e for e, (place, text) in self._added.items() if known.get(place) != text]
        for event_id in gone:
            del self._added[event_id]
        self.again += len(gone)
        if not isinstance(groups, ResponseError) and not isinstance(pending, ResponseError):
            await self._accept(groups, {_place(p["message_id"]) for p in pending})

    async def _accept(self, groups: list[Any], pending: set[_Place]) -> None:
        given = max((_place(g["last-delivered-id"]) for g in groups), default=(0, 0))
        taken = {
            event_id: place
            for event_id, (place, _) in self._added.items()
            if place <= given and place not in pending
        }
        for event_id in taken:
            del self._added[event_id]
        self._done(taken)
        if taken:
            await self._redis.xdel(self._name, *(f"{ms}-{n}" for ms, n in taken.values()))


def _place(entry_id: bytes | str) -> _Place:
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    ms, _, n = text.partition("-")
    return int(ms), int(n)
