"""The intake stream: a Redis stream on which a billing system queues events.

The stream is the billing system's, on a Redis of its own. An entry has one field, ``event``: a
CloudEvents object in structured JSON. It is acknowledged only after our commit, and what every
group of consumers has acknowledged is trimmed a day later. An entry that cannot be accepted is
kept with its reason (card numbers masked), and can be replayed; it holds nobody up.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.event_intake import Acceptor, Clock
from notifier.intake.card_numbers import masked_payload
from notifier.intake.envelope import named, parse_event
from notifier.logs import get_logger
from notifier.model.actor import system
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import Event
from notifier.model.task import TaskDraft, TaskKind
from notifier.store import rejected, tasks
from notifier.store.failures import passes, sqlstate_of

GROUP = "notifier"
FIELD = b"event"
_BATCH = 200
_BLOCK_MS = 1_000
# What another consumer has not acknowledged for so long is taken over; twice does no harm.
_IDLE_MS = 10_000
_PAUSE = 1.0
_ACTOR = system("stream")
_log = get_logger(__name__)

Entry = tuple[bytes, dict[bytes, bytes] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where the entries come from."""

    url: str
    name: str
    source: str  # the only source whose events this stream may carry
    #: How long an acknowledged entry stays, so that whoever queued it can see that it was taken.
    keep: timedelta = timedelta(days=1)


class StreamReader:
    """Reads a stream as one consumer of the group."""

    def __init__(
        self, stream: Stream, acceptor: Acceptor, engine: AsyncEngine, clock: Clock, consumer: str
    ) -> None:
        self._stream, self._acceptor, self._engine = stream, acceptor, engine
        self._clock, self._consumer = clock, consumer
        self._redis: Redis = Redis.from_url(stream.url)

    async def run(self, stop: asyncio.Event) -> None:
        """Read until told to stop, then close. Outages of Redis and PostgreSQL are waited out."""
        while not stop.is_set():
            try:
                await self.step()
            except Exception as problem:
                if not (isinstance(problem, RedisError) or passes(problem)):
                    raise
                _log.warning("stream.waiting", problem=type(problem).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _PAUSE)
        await self.close()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._redis.aclose()

    async def step(self) -> int:
        """Take one set of entries, waiting up to a second for them; how many were taken."""
        try:
            entries = await self._abandoned() or await self._new()
        except ResponseError as problem:
            if "NOGROUP" not in str(problem):
                raise
            await self._create_group()
            return 0
        if entries:
            await self._take(entries)
        return len(entries)

    async def _create_group(self) -> None:
        with contextlib.suppress(ResponseError):  # another consumer was first
            await self._redis.xgroup_create(self._stream.name, GROUP, id="0", mkstream=True)

    async def _new(self) -> list[Entry]:
        answer: Any = await self._redis.xreadgroup(
            GROUP, self._consumer, {self._stream.name: ">"}, count=_BATCH, block=_BLOCK_MS
        )
        return list(answer[0][1]) if answer else []

    async def _abandoned(self) -> list[Entry]:
        answer: Any = await self._redis.xautoclaim(
            self._stream.name, GROUP, self._consumer, _IDLE_MS, count=_BATCH
        )
        return list(answer[1])

    async def _take(self, entries: Sequence[Entry]) -> None:
        parsed: list[tuple[Entry, Event]] = []
        for entry in entries:
            try:
                parsed.append((entry, self._parse(entry)))
            except BadInput as problem:
                await self._reject(entry, problem.errors)
        try:
            await self._acceptor.accept([event for _, event in parsed], _ACTOR)
        except Exception as problem:
            if passes(problem):
                raise
            for entry, event in parsed:  # find the one; the others go in
                await self._take_one(entry, event)
        await self._redis.xack(self._stream.name, GROUP, *(key for key, _ in entries))
        await self._trim()

    async def _trim(self) -> None:
        """Drop from the stream what every group of consumers has acknowledged, some time ago."""
        try:
            groups: Any = await self._redis.xinfo_groups(self._stream.name)
            needed = [await self._needed(group) for group in groups]
            seconds, micro = await self._redis.time()  # ids are moments of its clock
            young = seconds * 1000 + micro // 1000 - self._stream.keep // timedelta(milliseconds=1)
            oldest = "{}-{}".format(*min([*needed, (max(young, 0), 0)]))
            await self._redis.xtrim(self._stream.name, minid=oldest, approximate=False)
        except ResponseError as problem:  # billing's Redis need not permit it
            _log.warning("stream.not_trimmed", problem=str(problem).split(" ", 1)[0])

    async def _needed(self, group: Any) -> tuple[int, int]:
        """The id of the oldest entry that a group still needs: one it has taken and not
        acknowledged, else the first that it has not taken."""
        if group["pending"]:
            pending: Any = await self._redis.xpending(self._stream.name, group["name"])
            if pending["min"]:
                return _parts(pending["min"])
        ms, number = _parts(group["last-delivered-id"])
        return ms, number + 1

    def _parse(self, entry: Entry) -> Event:
        event = parse_event((entry[1] or {}).get(FIELD, b""), self._clock.now())
        if event.source != self._stream.source:
            raise BadInput([FieldError("source", "wrong_source", {"value": event.source})])
        return event

    async def _take_one(self, entry: Entry, event: Event) -> None:
        try:
            await self._acceptor.accept([event], _ACTOR)
        except BadInput as problem:
            await self._reject(entry, problem.errors)
        except Conflict:
            await self._reject(entry, [FieldError("id", "conflict", {"value": event.id})])
        except Exception as problem:
            if passes(problem):
                raise
            _log.exception("stream.not_stored", entry=entry[0].decode())
            code = sqlstate_of(problem) or type(problem).__name__
            await self._reject(entry, [FieldError("body", "not_stored", {"value": code})])

    async def _reject(self, entry: Entry, errors: Sequence[FieldError]) -> None:
        key, fields = entry
        received = (fields or {}).get(FIELD) or repr(fields).encode()
        payload = await asyncio.to_thread(masked_payload, received)  # it may be megabytes
        hidden, now = payload != received, self._clock.now()
        told = [{"field": e.field, "code": e.code, "params": dict(e.params)} for e in errors]
        first = errors[0]
        draft = TaskDraft(
            kind=TaskKind.REJECTED_EVENT,
            key=f"{self._stream.name}|{first.field}|{first.code}"[:400],
            details={"stream": self._stream.name, "field": first.field, "code": first.code},
        )
        async with self._engine.begin() as conn:
            origin_id = key.decode()
            event = named(payload, self._stream.source)
            if await rejected.add(
                conn,
                self._stream.name,
                origin_id,
                payload,
                told,
                masked=hidden,
                event=event,
                now=now,
            ):
                await tasks.raise_all(conn, [draft], actor=_ACTOR, now=now)
        _log.warning("stream.rejected", entry=origin_id, field=first.field, code=first.code)


def _parts(key: bytes) -> tuple[int, int]:
    """An entry's id as numbers, which compare as entries do."""
    ms, _, number = key.partition(b"-")
    return int(ms), int(number)


async def put(url: str, name: str, events: Sequence[bytes]) -> None:
    """Put entries on a stream as a billing system does: each one CloudEvent as JSON."""
    async with contextlib.aclosing(Redis.from_url(url)) as client, client.pipeline() as pipe:
        for event in events:
            pipe.xadd(name, {FIELD: event})
        await pipe.execute()
