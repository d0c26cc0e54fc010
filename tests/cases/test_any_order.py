"""Whatever happens, in whatever order it is told: what a case says, and where it ends."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count

import pytest
from hypothesis import Phase, given, settings
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.decide.calendar import JAPAN, japan_date
from notifier.decide.closures import Closures
from notifier.decide.plan import in_hours, reminders
from notifier.intake.rehearsal import Rehearsal
from notifier.model.billing import ChargeFailed
from notifier.model.closure import Closure
from notifier.model.notice import plan_of
from notifier.model.plan import OFFICE_HOURS, Calendar
from notifier.runtime.engines import Engines
from notifier.store import closures, members, report, schemes
from notifier.store.db import connect, rows
from tests.conftest import Databases
from tests.samples import NOTICES, SCHEME, member

from .conftest import ACTOR
from .stories import DAY, FIRST, OTHER, Story, Told, Truth, stories

# The association is closed for Obon; those who look after a second scheme are for 20 days more.
CLOSURES = Closures(
    (
        Closure(first=date(2025, 8, 13), last=date(2025, 8, 15), scheme="", name="夏季休業"),
        Closure(first=date(2025, 8, 18), last=date(2025, 9, 12), scheme=OTHER.scheme, name="移転"),
    )
)
PLAN = plan_of(NOTICES, "charge")
LAST = date(2025, 11, 28)  # by then every case has timed out
_numbers = count(1)


class Theatre:
    """One database for all stories; each has members of its own."""

    def __init__(self, url: str) -> None:
        self.runner = asyncio.Runner()
        self.engine: AsyncEngine = self.runner.run(self._open(url))

    async def _open(self, url: str) -> AsyncEngine:
        engine = connect(url)
        now = datetime(2025, 7, 1, tzinfo=JAPAN)
        async with engine.begin() as conn:
            for scheme in (SCHEME, OTHER):
                await schemes.save(conn, scheme, actor=ACTOR, now=now)
            await closures.add(conn, CLOSURES.own, actor=ACTOR, now=now)
        return engine

    def close(self) -> None:
        self.runner.run(self.engine.dispose())
        self.runner.close()

    async def play(self, told: dict[str, list[Told]]) -> dict[str, "Course"]:
        """Play the events of these members; what became of each."""
        since = datetime.combine(FIRST - 9 * DAY, OFFICE_HOURS.opens, JAPAN)
        async with self.engine.begin() as conn:
            await members.save(conn, [(member(no), since) for no in told], now=since)
        rehearsal = Rehearsal(self.engine, NOTICES)
        arrivals = [(t.at, t.event) for some in told.values() for t in some]
        await rehearsal.play(arrivals, FIRST - DAY, LAST)
        return await self._courses(list(told))

    async def _courses(self, numbers: list[str]) -> dict[str, "Course"]:
        async with self.engine.connect() as conn:
            said = await rows(
                conn,
                """SELECT p.member_no, m.notice, m.step, m.state, m.reason, f.facts,
                       (SELECT max(l.at) FROM log l WHERE l.message_id = m.message_id
                            AND l.after = 'sent') AS at
                   FROM messages m JOIN members p USING (member_id)
                       JOIN message_facts f USING (message_id)
                   WHERE p.member_no = ANY(CAST(:nos AS text[])) ORDER BY at""",
                {"nos": numbers},
            )
            stand = await rows(
                conn,
                """SELECT p.member_no, c.state, c.reason FROM cases c JOIN members p
                   USING (member_id) WHERE p.member_no = ANY(CAST(:nos AS text[]))""",
                {"nos": numbers},
            )
            assert await report.unaccounted(conn) == []
        courses = {no: Course(no, [], "none") for no in numbers}
        for r in said:
            courses[r["member_no"]].messages.append(r)
        for r in stand:
            courses[r["member_no"]].end = f"{r['state']} {r['reason']}"
        return courses


@dataclass
class Course:
    """What a case came to."""

    number: str
    messages: list[RowMapping]
    end: str

    @property
    def sent(self) -> list[RowMapping]:
        return [m for m in self.messages if m["state"] == "sent"]


@pytest.fixture(scope="module")
def theatre(engines: Engines, databases: Databases) -> Iterator[Theatre]:
    name = databases.create()
    made = Theatre(engines.database(name))
    yield made
    made.close()
    databases.drop(name)


#: Stories that were told wrongly once, and how they end.
_KNOWN = (
    # The end of who has left before a charge was "continued".
    (
        Story(date(2025, 7, 17), date(2025, 7, 21), (
            ("failed", FIRST, time(0), 0.0),
            ("failed again", date(2025, 7, 18), time(0), 0.0),
            ("left", FIRST, time(0), 3.0),
        )),
        "closed member_left",
    ),
    # A card given by somebody who had left before the charge kept the case open.
    (
        Story(date(2025, 8, 11), date(2025, 8, 15), (
            ("failed again", date(2025, 8, 12), time(3, 31), 20.9),
            ("reregistered", date(2025, 8, 13), time(7, 4), 0.0),
            ("left", date(2025, 8, 10), time(6, 25), 0.0),
        )),
        "closed member_left",
    ),
)  # fmt: skip


def test_stories_that_went_wrong_once(theatre: Theatre) -> None:
    courses = _play(theatre, [story for story, _ in _KNOWN])
    for (story, end), (in_time, late) in zip(_KNOWN, courses, strict=True):
        assert (in_time.end, late.end) == (end, end), story


def test_what_a_case_says_and_where_it_ends(theatre: Theatre) -> None:
    told = _drawn(400)
    wrong = []
    for story, (in_time, late) in zip(told, _play(theatre, told), strict=True):
        try:
            _check(in_time, story, story.events(in_time.number, punctual=True))
            _check(late, story, story.events(late.number, punctual=False))
            assert _end(late) == _end(in_time)
        except AssertionError as problem:
            wrong.append((story, str(problem)))
    assert not wrong


def _drawn(number: int) -> list[Story]:
    """So many stories. They do not touch each other, and are played in one go: one play of a few
    months takes as long with one of them as with a hundred."""
    drawn: dict[Story, None] = {}

    @settings(max_examples=number, phases=[Phase.generate], database=None)
    @given(stories())
    def draw(story: Story) -> None:
        drawn[story] = None

    draw()
    return list(drawn)


def _play(theatre: Theatre, told: list[Story]) -> list[tuple["Course", "Course"]]:
    """What each story comes to when it is told in time, and as late as it says."""
    numbers = [f"{next(_numbers):05d}" for _ in told]
    there: dict[str, list[Told]] = {}
    for no, story in zip(numbers, told, strict=True):
        there[f"P{no}"] = story.events(f"P{no}", punctual=True)
        there[f"L{no}"] = story.events(f"L{no}", punctual=False)
    courses = theatre.runner.run(theatre.play(there))
    return [(courses[f"P{no}"], courses[f"L{no}"]) for no in numbers]


def _end(course: Course) -> str:
    """The same, in whatever order it was told. Nothing on record: the payment came first."""
    return "closed settled" if course.end in {"none", "closed opened"} else course.end


def _check(course: Course, story: Story, told: list[Told]) -> None:
    calendar = Calendar(is_open=CLOSURES.of(story.scheme), hours=OFFICE_HOURS)
    days = defaultdict(list)
    for m in course.sent:
        moment: datetime = m["at"]
        day = japan_date(moment)
        days[day].append(m["step"])
        assert in_hours(moment, calendar), "outside of the hours, or on a closed day"
        if m["notice"] != "apology":
            _check_request(m, Truth.of(told, moment), day)
    assert all(len(steps) == 1 for steps in days.values()), "two on one day"
    assert {m["state"] for m in course.messages} <= {"sent", "held", "cancelled"}
    if not any(m["state"] == "held" for m in course.messages):
        _check_none_lost(set(days), told, calendar)


def _check_request(message: RowMapping, truth: Truth, day: date) -> None:
    if message["step"] == "passed":
        return
    assert truth.reminds, "a request after its end"
    assert day <= date.fromisoformat(message["facts"]["deadline"]), "past its deadline"


def _check_none_lost(days: set[date], told: list[Told], calendar: Calendar) -> None:
    """On every day of the plan on which somebody is reminded, something was said."""
    failures = [t.event.data for t in told if isinstance(t.event.data, ChargeFailed)]
    for one in {failure.deadline for failure in failures}:
        for planned in reminders(PLAN, one, calendar.is_open):
            opens = datetime.combine(planned.day, OFFICE_HOURS.opens, JAPAN)
            truth = Truth.of(told, opens - timedelta(microseconds=1))
            if truth.reminds and truth.deadline == one and truth.told_at is not None:
                told_before = japan_date(truth.told_at) < planned.day
                still = Truth.of(told, opens).reminds
                assert planned.day in days or not told_before or not still, "one was lost"
