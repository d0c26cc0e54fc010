"""The course of a run: waves of events, a fault in each, then rest, then the judgement."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

from notifier.runtime.engines import Engines
from tests.chaos.disk import Disk
from tests.chaos.faults import Faults, Kind, deck
from tests.chaos.house import House, Time, house
from tests.chaos.judgement import (
    Message,
    Verdict,
    busy,
    evidence,
    judge,
    letters,
    record,
    unanswered,
)
from tests.chaos.outbox import HttpOutbox, Outbox, StreamOutbox
from tests.chaos.sink import Sink
from tests.chaos.traffic import Traffic, Way

_PEOPLE: Final = 5000
_SPEED: Final = 60.0  # of business time while faults strike: a first retry comes after a second
_SPEED_AT_THE_END: Final = 600.0
_CALM: Final = 5.0  # seconds without faults before time runs faster still: late replies come in
_WAVE: Final = 8.0  # seconds after which a fault strikes even if little was received
_BACKLOG: Final = 3  # waves that may be under way
_REPORT: Final = 5.0  # seconds between two lines
SESSIONS: Final = 4  # how often the processes run, at most, to finish what is open

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is asked of a run."""

    messages: int
    faults: int
    seed: int
    attack: float  # seconds from which no further fault strikes
    rest: float  # seconds to come to rest after that


@dataclass(kw_only=True)
class Outcome:
    """How a run ended."""

    verdict: Verdict
    faults: Faults
    fed: int
    seconds: float
    figures: dict[str, Any] = field(default_factory=dict)


class Course:
    """One run."""

    def __init__(self, plan: Plan, place: House, sink: Sink, say: Say) -> None:
        dice = random.Random(plan.seed)
        self.plan, self.house, self.sink = plan, place, sink
        self.faults = Faults(place, sink, dice)
        self.time = Time(place.var / "clock", speed=_SPEED)
        self.fed = 0
        self.letters, self.unbound = 0, list[str]()
        self._began = monotonic()
        self._say, self._dice = say, dice
        self._deck = deck(plan.faults, dice)
        self._traffic = Traffic(people=_PEOPLE, began=datetime.now(UTC))
        self._stream = StreamOutbox(place.stream_url, place.stream)
        self._http = HttpOutbox(place.api_port, place.key)
        self._outboxes: dict[Way, Outbox] = {Way.HTTP: self._http, Way.STREAM: self._stream}

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return monotonic() - self._began

    async def run(self) -> tuple[list[Message], list[str]]:
        """All of it; the messages and the accepted events that made none."""
        helpers = (self._report, self.time.run, self._http.run, self._stream.run)
        async with _beside(helpers) as beside:
            async with self.house.crew():
                await beside(self.house.opened())
                await beside(self._attack())
                await beside(self._bind())
                await beside(self._rest())
            found = await record(self.house)  # when nobody is left who could change it
            for _ in range(SESSIONS - 1):
                if not any(message.is_open for message in found):
                    break
                async with self.house.crew():
                    await beside(self._rest())
                found = await record(self.house)
        await self._stream.close()
        await self._bind()
        self.letters, wrong = await letters(self.house)
        self.unbound = wrong
        return found, await unanswered(self.house, self.accepted)

    @property
    def accepted(self) -> set[str]:
        """The events that were accepted."""
        return self._http.accepted | self._stream.accepted

    async def _attack(self) -> None:
        """Feed a wave, let a part of it pass, strike; until all is fed."""
        for place, kind in enumerate(self._deck, start=1):
            end = self.plan.messages * place // len(self._deck)
            self._feed(end)
            if self.seconds < self.plan.attack:
                await self._pass(round(self._dice.random() * self.plan.messages / len(self._deck)))
                await self._strike(kind)

    def _feed(self, end: int) -> None:
        for way, events in self._traffic.wave(range(self.fed, end)).items():
            self._outboxes[way].put(events)
        self.fed = end

    async def _pass(self, count: int) -> None:
        """Wait until so many further mails were received, and not too many are under way."""
        until, wave = self.sink.accepted + count, self.plan.messages // len(self._deck)
        end = monotonic() + _WAVE
        while monotonic() < end:
            behind = self.fed - len(self.sink.copies)
            if self.sink.accepted >= until and behind <= _BACKLOG * wave:
                return
            await asyncio.sleep(0.005)

    async def _strike(self, kind: Kind) -> None:
        began, before = self.seconds, self.faults.permits
        await self.faults.strike(kind)
        line = {
            "at": round(began, 2),
            "fault": kind,
            "took": round(self.seconds - began, 2),
            "received": self.sink.accepted,
            "permits": self.faults.permits - before,
        }
        with (self.house.var / "faults.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")

    async def _rest(self) -> None:
        """No more faults; time runs faster, until nothing can move by itself."""
        self.sink.behave()
        end = monotonic() + self.plan.rest
        await asyncio.sleep(_CALM)
        self.time.speed = _SPEED_AT_THE_END
        while monotonic() < end:
            waiting = sum(outbox.waiting for outbox in self._outboxes.values())
            if not waiting and not await busy(self.house):
                break
            await asyncio.sleep(0.2)
        self.time.speed = 1.0

    async def _bind(self) -> None:
        """Bind the letters that wait; a worker may still be at what a killed run has begun."""
        end = monotonic() + self.plan.rest
        while await (await self.house.collecting()).wait():
            if monotonic() > end:
                raise RuntimeError("letters are not bound; see collect.log")
            await asyncio.sleep(1.0)

    async def _report(self) -> None:
        while True:
            minutes, seconds = divmod(int(self.seconds), 60)
            waiting = sum(outbox.waiting for outbox in self._outboxes.values())
            self._say(
                f"{minutes:02}:{seconds:02}  faults {self.faults.total}/{self.plan.faults}"
                f"  events {len(self.accepted):,} accepted, {waiting:,} in outboxes"
                f"  mails {len(self.sink.copies):,}/{self.plan.messages:,} received"
                f"  business time +{str(self.time.passed).split('.')[0]}"
            )
            await asyncio.sleep(_REPORT)

    @property
    def again(self) -> int:
        """How often the outboxes had to try an event again."""
        return self._http.again + self._stream.again


@asynccontextmanager
async def _beside(
    helpers: Sequence[Callable[[], Awaitable[None]]],
) -> AsyncIterator[Callable[[Awaitable[None]], Awaitable[None]]]:
    """Helpers run within; what is awaited beside them fails as soon as one of them does."""
    running = [asyncio.ensure_future(helper()) for helper in helpers]

    async def beside(work: Awaitable[None]) -> None:
        main = asyncio.ensure_future(work)
        try:
            await asyncio.wait([main, *running], return_when=asyncio.FIRST_COMPLETED)
            for helper in running:
                if helper.done():
                    helper.result()
            await main
        finally:
            main.cancel()
            await asyncio.gather(main, return_exceptions=True)

    try:
        yield beside
    finally:
        for helper in running:
            helper.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def play(plan: Plan, var: Path, engines: Engines, say: Say, *, disk: Disk | None) -> Outcome:
    """Run and judge."""
    sink = Sink()
    await sink.open()
    try:
        async with house(
            var, engines, relay_port=sink.port, people=min(_PEOPLE, plan.messages), disk=disk
        ) as place:
            course = Course(plan, place, sink, say)
            found, missing = await course.run()
            verdict = judge(found, sink.copies, [*missing, *course.unbound])
            if verdict.suspects:
                told = await evidence(place, verdict.suspects)
                (var / "suspects.json").write_text(json.dumps(told, default=str, indent=2))
            return Outcome(
                verdict=verdict,
                faults=course.faults,
                fed=course.fed,
                seconds=course.seconds,
                figures={
                    "events": len(course.accepted),
                    "events_tried_again": course.again,
                    "business_time": str(course.time.passed).split(".")[0],
                    "cuts": dict(sink.cuts),
                    "copies": sink.accepted,
                    "letters": course.letters,
                    "left_behind": course.faults.left_behind,
                    "full_disk_of": "engines" if disk else "workers",
                },
            )
    finally:
        await sink.close()
