"""The billing system of the rehearsal: it sends its events by HTTP, stream or file."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

from redis.asyncio import Redis

from notifier.files import write

from .crew import Crew
from .incident import Day, Json

_SET = 500
_PATIENCE = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """Where and how events are sent."""

    port: int
    key: str
    stream_url: str
    stream: str
    folder: Path
    crew: Crew

    async def emit(self, day: Day) -> None:
        """Send a day's events by the way it names."""
        if day.intake == "stream":
            await self._queue(day.events)
        elif day.intake == "http":
            for at in range(0, len(day.events), _SET):
                await asyncio.to_thread(self._post, day.events[at : at + _SET])
        elif day.intake == "file":
            path = self.folder / f"events-{day.at:%m%d}.jsonl"
            write(path, "".join(_text(e) + "\n" for e in day.events))
            await self.crew.run("notifier.cli", "events", "send", str(path))

    async def _queue(self, events: Sequence[Json]) -> None:
        redis = Redis.from_url(self.stream_url)
        try:
            for at in range(0, len(events), _SET):
                pipe = redis.pipeline(transaction=False)
                for event in events[at : at + _SET]:
                    pipe.xadd(self.stream, {"event": _text(event)})
                await pipe.execute()
        finally:
            await redis.aclose()

    def _post(self, events: Sequence[Json]) -> None:
        """Post a batch, again and again until it is answered: a sender keeps an outbox."""
        until = monotonic() + _PATIENCE
        while True:
            try:
                return self._post_once(events)
            except OSError:
                if monotonic() > until:
                    raise
                sleep(0.2)

    def _post_once(self, events: Sequence[Json]) -> None:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/events",
            data=json.dumps(list(events), ensure_ascii=False).encode(),
            headers={
                "Content-Type": "application/cloudevents-batch+json",
                "Authorization": f"Bearer {self.key}",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 (our own)
                answer.read()
        except urllib.error.HTTPError as problem:
            if problem.code >= 500:
                raise
            raise RuntimeError(f"{problem.code}: {problem.read().decode()}") from problem


def _text(event: Json) -> str:
    return json.dumps(event, ensure_ascii=False)
