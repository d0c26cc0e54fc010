"""Random stories of one or two failed charges of a member, and what they must come to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st

from notifier.model.event import Event
from notifier.rules.calendar import JAPAN
from tests.samples import SCHEME, amounts, charge, charge_failed, event, overcharged

FIRST = date(2025, 7, 15)
DAY = timedelta(days=1)
OTHER = replace(SCHEME, scheme="second-scheme")
_HOURS = st.integers(0, 24 * 60 - 1).map(lambda m: time(m // 60, m % 60))


@dataclass(frozen=True, slots=True)
class Told:
    """An event and the moment at which it reaches us."""

    at: datetime
    event: Event


@dataclass(frozen=True, slots=True)
class Story:
    """What happened, as (kind, day, hour, days that it took to reach us), and the dates of it."""

    deadline: date  # of the first failure
    again: date | None  # deadline of a failure at the re-charge
    happened: tuple[tuple[str, date, time, float], ...]
    scheme: str = SCHEME.scheme
    second: date | None = None  # deadline of the second charge; None: there is none

    def charges(self, number: str) -> list[str]:
        """The charges of a member of this number."""
        return [f"C-{number}"] + ([] if self.second is None else [f"D-{number}"])

    @property
    def recharge_on(self) -> date:
        return self.deadline + DAY

    def events(self, number: str, *, punctual: bool) -> list[Told]:
        """The events about a member of this number."""
        told = []
        for kind, day, hour, late in self.happened:
            moment = datetime.combine(day, hour, JAPAN)
            made = self._event(kind, number, day, moment.isoformat())
            delay = timedelta() if punctual else timedelta(days=late)
            told.append(Told(moment + delay, made))
        return sorted(told, key=lambda t: t.at)

    def _event(self, kind: str, number: str, day: date, at: str) -> Event:
        if kind.startswith("second"):
            return self._second(kind, number, day, at)
        return self._first(kind, number, day, at)

    def _second(self, kind: str, number: str, day: date, at: str) -> Event:
        own = {"charge_id": f"D-{number}"}
        if kind == "second failed":
            assert self.second is not None
            dates = {"deadline": str(self.second), "recharge_on": str(self.second + DAY)}
            own |= {"charged_on": str(day), "scheme": self.scheme}
            return charge_failed(number, time=at, data=own | dates)
        paid: dict[str, Any] = {"member_no": number, "settled_on": str(day), "amount": 3230}
        return event("billing.charge.settled", paid | own, time=at)

    def _first(self, kind: str, number: str, day: date, at: str) -> Event:
        data: dict[str, Any] = {"member_no": number}
        own = {"charge_id": f"C-{number}", "scheme": self.scheme}
        scheme = {"scheme": self.scheme}
        if kind == "failed":
            dates = {"deadline": str(self.deadline), "recharge_on": str(self.recharge_on)}
            return charge_failed(number, time=at, data=dates | scheme)
        if kind == "failed again":
            assert self.again is not None
            dates = {"deadline": str(self.again), "recharge_on": str(self.again + DAY)}
            dates["charged_on"] = str(self.recharge_on)
            return charge_failed(number, codes=("G83",), time=at, data=dates | scheme)
        if kind.startswith("reregistered"):
            about = scheme if kind == "reregistered for all" else own
            return event("billing.card.reregistered", data | about, time=at)
        if kind == "settled":
            paid = {"charge_id": own["charge_id"], "settled_on": str(day), "amount": 3230}
            return event("billing.charge.settled", data | paid, time=at)
        if kind == "left":
            return event("member.left", data | {"left_on": str(day)}, time=at)
        if kind == "submitted":
            wrong = charge(number, amounts=amounts(fee=400))
            return event("billing.charge.submitted", wrong | scheme, time=at)
        if kind == "overcharged":
            return overcharged(number, time=at, data=scheme)
        more = {"amounts": amounts(), "deadline": str(self.deadline), "decided_on": str(day)}
        given_up = charge(number, **more) | scheme
        if self.again is not None and day >= self.recharge_on:
            given_up["recharged_on"] = str(self.recharge_on)
        return event("billing.charge.direct_collection_decided", given_up, time=at)


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """A first failure, and any of what may follow it; each told in time or up to 30 days late.

    Half of the members have a second charge that fails, often with the same deadline.
    """
    deadline = FIRST + draw(st.integers(2, 40)) * DAY
    again = draw(st.none() | st.integers(3, 30).map(lambda n: deadline + (1 + n) * DAY))
    late = st.just(0.0) | st.floats(0, 3) | st.floats(3, 30)
    happened = [("failed", FIRST, draw(_HOURS), draw(late))]
    if again is not None:
        happened.append(("failed again", deadline + DAY, draw(_HOURS), draw(late)))
    if draw(st.booleans()):  # an apology about the same charge, in between
        happened.append(("submitted", FIRST, time(0), 0.0))
        happened.append(("overcharged", FIRST + draw(st.integers(1, 40)) * DAY, draw(_HOURS), 0.0))
    for kind, days in (("reregistered", 60), ("settled", 70), ("left", 70)):
        if draw(st.integers(0, 3)) == 0:
            day = FIRST + draw(st.integers(0, days)) * DAY
            happened.append((kind, day, draw(_HOURS), draw(late)))
    if draw(st.integers(0, 3)) == 0:
        day = deadline + draw(st.integers(1, 20)) * DAY
        happened.append(("direct", day, draw(_HOURS), draw(late)))
    second = None
    if draw(st.booleans()):
        failed_on = FIRST + draw(st.just(0) | st.integers(1, 20)) * DAY
        apart = st.integers(2, 40).map(lambda n: failed_on + n * DAY)
        second = max(draw(st.just(deadline) | apart), failed_on + 2 * DAY)
        happened.append(("second failed", failed_on, draw(_HOURS), draw(late)))
        for kind, days in (("second settled", 60), ("reregistered for all", 60)):
            if draw(st.integers(0, 3)) == 0:
                day = failed_on + draw(st.integers(0, days)) * DAY
                happened.append((kind, day, draw(_HOURS), draw(late)))
    scheme = draw(st.sampled_from((SCHEME, OTHER))).scheme
    return Story(deadline, again, tuple(happened), scheme, second)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is known of a charge at a moment, worked out from the events alone."""

    deadline: date | None  # of the latest failure; None: none is known
    told_at: datetime | None  # when that failure reached us
    ended: bool
    reminds: bool

    @classmethod
    def of(cls, told: Iterable[Told], charge: str, now: datetime) -> "Truth":
        known = [t for t in about(told, charge) if t.at <= now]
        failures = [t for t in known if t.event.type == "billing.card.charge_failed"]
        if not failures:
            return cls(None, None, ended=False, reminds=False)
        latest = max(failures, key=lambda t: _data(t).charged_on)
        charged_on = _data(latest).charged_on
        ends = {
            "billing.charge.settled": "settled_on",
            "billing.charge.direct_collection_decided": "decided_on",
        }
        ended = any(
            getattr(_data(t), ends[t.event.type]) >= charged_on
            for t in known
            if t.event.type in ends
        ) or any(t.event.type == "member.left" for t in known)
        given = [t.event.time for t in known if t.event.type == "billing.card.reregistered"]
        missing = not given or max(given) < latest.event.time
        deadline = _data(latest).deadline
        return cls(deadline, latest.at, ended=ended, reminds=not ended and missing)


def about(told: Iterable[Told], charge: str) -> Iterator[Told]:
    """The events that are about a charge, or about all that concerns a member."""
    return (t for t in told if getattr(_data(t), "charge_id", None) in (None, charge))


def _data(told: Told) -> Any:
    return told.event.data
