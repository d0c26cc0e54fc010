"""What a destination is given: never more than its limits, whatever happens meanwhile."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.delivery.destinations import Destination, Limits
from notifier.delivery.replies import NO_HINT, Hint, HintKind, Outcome
from notifier.delivery.shaping import SLOWEST, Shaper

THROTTLED = Hint(HintKind.THROTTLED)
_LITTLE = 1e-3  # of a transmission: rounding


def _place(
    name: str = "docomo", *, connections: int = 2, rate: float = 60, burst: int = 2
) -> Destination:
    limits = Limits(connections=connections, rate_per_minute=rate, most_messages=20, burst=burst)
    return Destination(name, limits)


@dataclass
class _Lane:
    """Begins whenever it may; remembers when."""

    shaper: Shaper
    place: Destination
    begun: list[float] = field(default_factory=list)
    open: int = 0

    def begin(self, now: float) -> float:
        wait = self.shaper.may_begin(self.place, now)
        if wait == 0:
            self.shaper.begun(self.place, now)
            self.begun.append(now)
            self.open += 1
        return wait

    def end(self, now: float, outcome: Outcome = Outcome.ACCEPTED, hint: Hint = NO_HINT) -> None:
        if self.open:
            self.open -= 1
            self.shaper.ended(self.place, outcome, hint, now)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["begin"] * 6 + ["end"] * 4 + ["push", "book", "share", "wait"]),
        st.floats(0, 3, allow_subnormal=False),
        st.integers(1, 5),
    ),
    max_size=120,
)
_PLACES = st.builds(
    _place,
    connections=st.integers(1, 6),
    rate=st.floats(0.5, 6000),
    burst=st.integers(1, 6),
)


def _step(lane: _Lane, what: str, number: int, now: float) -> float:
    if what == "begin":
        lane.begin(now)
    elif what == "end":
        lane.end(now)
    elif what == "push":
        lane.end(now, Outcome.TEMPORARY, THROTTLED)
    elif what == "book":
        lane.shaper.schedule(lane.place, now, ahead=number)
    elif what == "share":
        lane.shaper.share_among(number)
    else:
        return now + lane.shaper.may_begin(lane.place, now)
    return now


@given(_PLACES, _STEPS)
def test_neither_rate_nor_connections_are_ever_exceeded(
    place: Destination, steps: list[tuple[str, float, int]]
) -> None:
    lane, now = _Lane(Shaper(), place), 1000.0
    for what, pause, number in steps:
        now = _step(lane, what, number, now + pause)
        assert lane.open <= place.limits.connections
    per_second = place.limits.rate_per_minute / 60
    for first, start in enumerate(lane.begun):
        for count, end in enumerate(lane.begun[first:], start=1):
            assert count <= place.limits.burst + per_second * (end - start) + _LITTLE


@given(st.integers(1, 1000), st.integers(1, 50), st.floats(0.1, 6000), st.integers(1, 9))
def test_a_share_is_never_nothing(workers: int, connections: int, rate: float, burst: int) -> None:
    place = _place(connections=connections, rate=rate, burst=burst)
    lane, now = _Lane(Shaper(workers=workers), place), 0.0
    for _ in range(5):
        wait = lane.begin(now)
        while wait:
            now += wait
            wait = lane.begin(now)
        lane.end(now)
    assert len(lane.begun) == 5


def test_workers_together_keep_to_the_limits() -> None:
    place = _place(connections=8, rate=240, burst=8)
    lanes = [_Lane(Shaper(workers=4), place) for _ in range(4)]
    for tick in range(1000):
        for lane in lanes:
            lane.begin(tick / 100)
        assert sum(lane.open for lane in lanes) <= 8
        if tick % 20 == 0:
            for lane in lanes:
                lane.end(tick / 100)
    assert 36 <= sum(len(lane.begun) for lane in lanes) <= 8 + 4 * 10


def test_it_goes_evenly_after_a_small_burst() -> None:
    lane, now = _Lane(Shaper(), _place(rate=120, burst=3, connections=9)), 0.0
    while len(lane.begun) < 7:
        now += lane.begin(now)
        lane.end(now)
    assert lane.begun == pytest.approx([0, 0, 0, 0.5, 1.0, 1.5, 2.0])


def test_all_connections_in_flight_means_waiting_for_one() -> None:
    lane = _Lane(Shaper(), _place(connections=2, rate=6000, burst=9))
    assert [lane.begin(0.0) == 0 for _ in range(3)] == [True, True, False]
    lane.end(1.0)
    assert lane.begin(1.0) == 0


def test_what_was_begun_in_vain_costs_nothing() -> None:
    shaper, place = Shaper(), _place(burst=1, connections=1)
    shaper.begun(place, 0.0)
    assert shaper.may_begin(place, 0.0) > 0
    shaper.undone(place, 0.0)
    assert shaper.may_begin(place, 0.0) == 0


def _pushed(times: int, hint: Hint = THROTTLED) -> tuple[_Lane, float]:
    lane, now = _Lane(Shaper(), _place(rate=60, connections=4)), 0.0
    for _ in range(times):
        while wait := lane.begin(now):
            now += wait
        lane.end(now, Outcome.TEMPORARY, hint)
    return lane, now


def test_a_destination_that_pushes_back_is_left_alone_then_given_half() -> None:
    lane, now = _pushed(1)
    pause = lane.begin(now)
    assert pause == 30
    [slowed] = lane.shaper.slowed(now)
    assert (slowed.name, slowed.factor, slowed.paused, slowed.in_flight) == ("docomo", 0.5, 30, 0)
    assert lane.begin(now + pause) == 0  # one to try with
    assert lane.begin(now + pause) == pytest.approx(2.0)  # at half the rate


def test_pauses_double_and_the_rate_has_a_floor() -> None:
    pauses = []
    for times in (1, 2, 3, 20):
        lane, now = _pushed(times)
        pauses.append(lane.begin(now))
    assert pauses == pytest.approx([30, 60, 120, 960])
    assert next(lane.shaper.slowed(now)).factor == SLOWEST


def test_a_destination_is_not_asked_again_before_it_said() -> None:
    lane, now = _pushed(1, Hint(HintKind.CLOSING, timedelta(minutes=10)))
    assert lane.begin(now) == 600


def test_no_burst_follows_a_pause() -> None:
    lane = _Lane(Shaper(), _place(rate=60, connections=9, burst=5))
    assert lane.begin(0.0) == 0
    lane.end(0.0, Outcome.TEMPORARY, THROTTLED)
    assert lane.begin(30.0) == 0
    assert lane.begin(30.0) == pytest.approx(2.0)


def test_what_began_before_a_pause_cuts_no_further() -> None:
    lane = _Lane(Shaper(), _place(connections=4, rate=6000, burst=4))
    for _ in range(4):
        assert lane.begin(0.0) == 0
    for _ in range(4):
        lane.end(1.0, Outcome.TEMPORARY, THROTTLED)
    assert next(lane.shaper.slowed(1.0)).factor == 0.5


def test_successes_bring_the_rate_back() -> None:
    lane, now = _pushed(1)
    for count in range(50):
        assert next(lane.shaper.slowed(now)).factor == pytest.approx(0.5 + count / 100)
        while wait := lane.begin(now):
            now += wait
        lane.end(now)
    assert not list(lane.shaper.slowed(now))


@pytest.mark.parametrize(
    ("outcome", "hint"),
    [
        (Outcome.TEMPORARY, Hint(HintKind.GREYLISTED, timedelta(minutes=5))),
        (Outcome.TEMPORARY, NO_HINT),
        (Outcome.PERMANENT, NO_HINT),
        (Outcome.BEFORE_DATA, NO_HINT),
        (Outcome.UNCERTAIN, NO_HINT),
    ],
)
def test_what_is_about_one_message_slows_nobody(outcome: Outcome, hint: Hint) -> None:
    lane = _Lane(Shaper(), _place())
    assert lane.begin(0.0) == 0
    lane.end(0.0, outcome, hint)
    assert not list(lane.shaper.slowed(0.0))
    assert lane.begin(0.0) == 0


def test_destinations_do_not_hold_up_each_other() -> None:
    shaper = Shaper()
    one, other = _Lane(shaper, _place("one")), _Lane(shaper, _place("other"))
    one.begin(0.0)
    one.end(0.0, Outcome.TEMPORARY, THROTTLED)
    assert one.begin(0.0) > 0
    assert other.begin(0.0) == 0


def test_slots_follow_each_other_behind_what_is_in_hand() -> None:
    shaper, place = Shaper(), _place(rate=60, burst=2)
    shaper.begun(place, 0.0)
    shaper.begun(place, 0.0)
    assert [shaper.schedule(place, 0.0, ahead=3) for _ in range(3)] == pytest.approx([4, 5, 6])
    assert shaper.schedule(place, 2.0) == pytest.approx(5)
    assert shaper.schedule(place, 100.0, ahead=1) == 0
    assert shaper.schedule(place, 100.0) == pytest.approx(1)


def test_no_slot_lies_in_a_pause() -> None:
    lane, now = _pushed(1)
    assert lane.shaper.schedule(lane.place, now) == 30


def _mailing(total: int, urgent_every: int) -> tuple[Counter[int], list[float]]:
    """A bulk lane that hands back what has no slot yet, and urgent mail in between."""
    shaper, place, now = Shaper(), _place(rate=600, burst=5, connections=5), 0.0
    due = [(0.0, number) for number in range(total)]
    deferred: Counter[int] = Counter()
    waits: list[float] = []
    while due:
        urgent = urgent_every and int(now * 100) % urgent_every == 0
        if urgent:
            waits.append(shaper.may_begin(place, now))
            shaper.begun(place, now)
            shaper.ended(place, Outcome.ACCEPTED, NO_HINT, now + 0.005)
        while due and due[0][0] <= now:
            _, number = heapq.heappop(due)
            if shaper.may_begin(place, now) == 0:
                shaper.begun(place, now)
                shaper.ended(place, Outcome.ACCEPTED, NO_HINT, now)
            else:
                deferred[number] += 1
                heapq.heappush(due, (now + shaper.schedule(place, now), number))
        now = round(now + 0.01, 2)
    return deferred, waits


def test_a_message_is_handed_back_about_once() -> None:
    deferred, _ = _mailing(3000, urgent_every=0)
    assert len(deferred) == 2995  # all but the burst
    assert sum(deferred.values()) <= 1.05 * len(deferred)


def test_urgent_mail_does_not_wait_behind_what_is_booked() -> None:
    deferred, waits = _mailing(3000, urgent_every=100)
    assert max(waits) <= 0.1  # one slot, of 3,000 that are booked
    assert sum(deferred.values()) <= 1.3 * len(deferred)


def test_idle_destinations_are_forgotten() -> None:
    shaper = Shaper()
    for number in range(20_000):
        place, now = _place(f"d{number}.example.jp"), number / 10
        shaper.begun(place, now)
        shaper.ended(place, Outcome.ACCEPTED, NO_HINT, now)
    assert len(shaper) <= 700  # ten a second, remembered for a minute
    assert shaper.may_begin(_place("d1.example.jp"), now) == 0


def test_what_is_in_flight_or_slowed_is_not_forgotten() -> None:
    shaper, busy, slow = Shaper(), _place("busy", connections=1), _place("slow")
    shaper.begun(busy, 0.0)
    shaper.begun(slow, 0.0)
    shaper.ended(slow, Outcome.TEMPORARY, THROTTLED, 0.0)
    for number in range(2000):
        place = _place(f"d{number}.example.jp")
        shaper.begun(place, number)
        shaper.ended(place, Outcome.ACCEPTED, NO_HINT, number)
    assert shaper.may_begin(busy, 2000.0) > 0
    assert [one.name for one in shaper.slowed(2000.0)] == ["slow"]
