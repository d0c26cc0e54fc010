"""Whatever happens, in whatever order it is told: what a case says, and where it ends."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from notifier.app.simulation import Simulation
from notifier.model.billing import ChargeFailed
from notifier.model.closure import Closure
from notifier.model.notice import plan_of
from notifier.model.plan import OFFICE_HOURS, Calendar
from notifier.rules.calendar import JAPAN, japan_date
from notifier.rules.open_days import Closures
from notifier.rules.plan import in_hours, reminders
from notifier.rules.together import charges_of
from notifier.runtime.engines import Engines
from notifier.store import closures, members, report, schemes
from notifier.store.db import connect, rows
from tests.conftest import Databases
from tests.samples import NOTICES, SCHEME, member

from .conftest import ACTOR
from .stories import DAY, FIRST, OTHER, Story, Told, Truth, about, stories

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
        rehearsal = Simulation(self.engine, NOTICES)
        arrivals = [(t.at, t.event) for some in told.values() for t in some]
        await rehearsal.play(arrivals, FIRST - DAY, LAST)
        return await self._courses(list(told))

    async def _courses(self, numbers: list[str]) -> dict[str, "Course"]:
        async with self.engine.connect() as conn:
            said = await rows(
                conn,
                """SELECT p.member_no, m.notice, m.step, m.state, m.reason, f.facts, c.matter,
                       EXISTS (SELECT FROM message_causes e WHERE e.message_id = m.message_id)
                           AS caused,
                       (SELECT max(l.at) FROM log l WHERE l.message_id = m.message_id
                            AND l.after = 'sent') AS at
                   FROM messages m JOIN members p USING (member_id)
                       JOIN message_facts f USING (message_id) JOIN cases c USING (case_id)
                   WHERE p.member_no = ANY(CAST(:nos AS text[])) ORDER BY at""",
                {"nos": numbers},
            )
            stand = await rows(
                conn,
                """SELECT p.member_no, c.matter, c.state, c.reason FROM cases c JOIN members p
                   USING (member_id) WHERE p.member_no = ANY(CAST(:nos AS text[]))""",
                {"nos": numbers},
            )
            assert await report.unaccounted(conn) == []
        courses = {no: Course(no, [], {}) for no in numbers}
        for r in said:
            courses[r["member_no"]].messages.append(r)
        for r in stand:
            courses[r["member_no"]].ends[r["matter"]] = f"{r['state']} {r['reason']}"
        return courses


@dataclass
class Course:
    """What the cases of a member came to."""

    number: str
    messages: list[RowMapping]
    ends: dict[str, str]  # by charge

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
    # The end of one charge, told by an event, put the last reminder of the other one off too long.
    (
        Story(date(2025, 7, 26), date(2025, 8, 10), (
            ("failed", FIRST, time(9, 48), 0.0),
            ("direct", date(2025, 8, 10), time(8, 8), 0.0),
            ("second failed", date(2025, 8, 2), time(0, 11), 0.0),
        ), OTHER.scheme, date(2025, 8, 27)),
        "closed direct_collection",
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
        _check_both(story, in_time, late)
        charge = story.charges("")[0]
        assert {c.ends[charge + c.number] for c in (in_time, late)} == {end}, story


@pytest.mark.hypothesis
@pytest.mark.timeout(300)
def test_what_a_case_says_and_where_it_ends(theatre: Theatre) -> None:
    told = _drawn(250)
    wrong = []
    for story, (in_time, late) in zip(told, _play(theatre, told), strict=True):
        try:
            _check_both(story, in_time, late)
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


def _end(course: Course, charge: str) -> str:
    """The same, in whatever order it was told. Nothing on record: the payment came first."""
    end = course.ends.get(charge, "none")
    return "closed settled" if end in {"none", "closed opened"} else end


def _check_both(story: Story, in_time: Course, late: Course) -> None:
    _check(in_time, story, story.events(in_time.number, punctual=True))
    _check(late, story, story.events(late.number, punctual=False))
    ends = zip(story.charges(late.number), story.charges(in_time.number), strict=True)
    assert all(_end(late, one) == _end(in_time, other) for one, other in ends)


def _check(course: Course, story: Story, told: list[Told]) -> None:
    calendar = Calendar(is_open=CLOSURES.of(story.scheme), hours=OFFICE_HOURS)
    for m in course.sent:
        assert in_hours(m["at"], calendar), "outside of the hours, or on a closed day"
    assert {m["state"] for m in course.messages} <= {"sent", "held", "cancelled"}
    reminded = [japan_date(m["at"]) for m in course.sent if not m["caused"]]
    assert len(reminded) == len(set(reminded)), "two reminders of a member on one day"
    for charge in story.charges(course.number):
        _check_charge(course, charge, told, calendar)


def _check_charge(course: Course, charge: str, told: list[Told], calendar: Calendar) -> None:
    days = set()
    for m in course.sent:
        found = [one for one in _told(m) if one["charge_id"] == charge]
        if not found:
            continue
        moment: datetime = m["at"]
        day = japan_date(moment)
        assert day not in days, "two on one day"
        days.add(day)
        if m["notice"] != "apology":
            _check_request(m["step"], found[0], Truth.of(told, charge, moment), day)
    if not any(m["state"] == "held" for m in course.messages):
        _check_none_lost(days, charge, told, calendar)


def _told(message: RowMapping) -> list[dict[str, Any]]:
    """The charges that a message tells of."""
    return charges_of({"charge_id": message["matter"], **message["facts"]})


def _check_request(step: str, told: Mapping[str, Any], truth: Truth, day: date) -> None:
    if step == "passed":
        return
    assert truth.reminds, "a request after its end"
    assert day <= date.fromisoformat(told["deadline"]), "past its deadline"


def _check_none_lost(days: set[date], charge: str, told: list[Told], calendar: Calendar) -> None:
    """On every day of the plan on which somebody is reminded, something was said."""
    own = [t.event.data for t in about(told, charge)]
    for one in {data.deadline for data in own if isinstance(data, ChargeFailed)}:
        for planned in reminders(PLAN, one, calendar.is_open):
            opens = datetime.combine(planned.day, OFFICE_HOURS.opens, JAPAN)
            truth = Truth.of(told, charge, opens - timedelta(microseconds=1))
            if truth.reminds and truth.deadline == one and truth.told_at is not None:
                told_before = japan_date(truth.told_at) < planned.day
                still = Truth.of(told, charge, opens).reminds
                assert planned.day in days or not told_before or not still, "one was lost"
