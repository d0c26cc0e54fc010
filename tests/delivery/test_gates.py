"""What a relay and a destination can take: breaker, shaping and relays of lanes, at work."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from notifier.delivery.destinations import Destination, Limits, read_destinations, shipped
from notifier.delivery.gate import Gate, Gates
from notifier.delivery.pool import ConnectionPool
from notifier.delivery.replies import Outcome, Reply
from notifier.demo.post_office import PostOffice, Rule, Stage
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.relay import Relay, RelayKind, Tls
from notifier.model.states import State
from tests.conftest import in_thread
from tests.delivery.rig import Rig, eventually, relay_of

pytestmark = pytest.mark.engine

SLOW = """
[destinations.slow]
domains = ["slow.example.jp"]
connections = 1
rate_per_minute = 6
burst = 1
"""


@pytest.fixture
def direct(rig: Rig, tmp_path: Path) -> Rig:
    """A direct relay, and a destination that takes one mail in ten seconds."""
    file = tmp_path / "destinations.toml"
    file.write_text(SLOW)
    rig.destinations = read_destinations(file)
    rig.relay = relay_of(rig.office, kind=RelayKind.DIRECT)
    return rig


@pytest.fixture
def second_office(tmp_path: Path) -> Iterator[PostOffice]:
    with ExitStack() as stack:
        yield stack.enter_context(in_thread(PostOffice(tmp_path / "second")))


async def _send_to(rig: Rig, domain: str, count: int) -> list[int]:
    return [await rig.send(to=await rig.register(email=f"m{n}@{domain}")) for n in range(count)]


async def test_a_slow_destination_waits_in_even_slots_and_holds_nobody_up(direct: Rig) -> None:
    slow = await _send_to(direct, "slow.example.jp", 8)
    fast = [m for n in range(8) for m in await _send_to(direct, f"fast{n}.example.jp", 1)]
    async with direct.at_work(Lane.STANDARD):
        for message_id in (*fast, slow[0]):
            await direct.until(message_id, State.SENT)
        await eventually(lambda: _put_off(direct, slow[1:]))
    waiting = await _put_off(direct, slow)
    assert waiting is not None
    gaps = [b - a for a, b in pairwise(waiting)]
    assert all(gap >= timedelta(seconds=9) for gap in gaps)
    attempts = [len(await direct.attempts(m)) for m in slow]
    assert attempts == [1, *[0] * 7]  # what waits pays with no attempt


async def _put_off(rig: Rig, ids: list[int]) -> list[datetime] | None:
    """When those that were put off come back, once all of these have been looked at."""
    found = await rig.rows(
        """SELECT next_attempt_at, reason FROM messages WHERE message_id = ANY(:ids)
           AND state = 'queued' ORDER BY next_attempt_at""",
        ids=ids,
    )
    times = [r["next_attempt_at"] for r in found if r["reason"] == Reason.SHAPED]
    return times if len(times) >= len(ids) - 3 else None


async def test_a_hint_slows_its_destination_and_no_other(direct: Rig) -> None:
    reply = "450 4.7.1 too many messages from you, try again in 10 minutes"
    direct.office.rules.set(Rule(stage=Stage.RCPT, address="*@busy.example.jp", reply=reply))
    direct.relay = direct.relay.model_copy(update={"connections": 1})
    busy = await _send_to(direct, "busy.example.jp", 6)
    other = await _send_to(direct, "other.example.jp", 3)
    async with direct.at_work(Lane.STANDARD):
        for message_id in other:
            await direct.until(message_id, State.SENT)
        await eventually(lambda: _put_off(direct, busy))
    [(first_state, first_reason), *_] = [await direct.state(m) for m in busy]
    assert (first_state, first_reason) == (State.QUEUED, Reason.THROTTLED)
    [first] = await direct.rows(
        "SELECT next_attempt_at FROM messages WHERE message_id = :id", id=busy[0]
    )
    assert first["next_attempt_at"] >= direct.time + timedelta(minutes=10)
    assert sum([len(await direct.attempts(m)) for m in busy]) == 1


async def test_an_open_breaker_burns_no_attempts(rig: Rig) -> None:
    rig.office.rules.set(Rule(stage=Stage.MAIL, reply="421 4.3.2 not now"))
    ids = [await rig.send() for _ in range(80)]
    async with rig.at_work(Lane.STANDARD):
        await eventually(lambda: _returned(rig))
        tried = await rig.rows("SELECT count(*) AS n FROM attempts")
        rig.office.rules.clear()
        rig.time += timedelta(minutes=10)
        for message_id in ids:
            await rig.until(message_id, State.SENT)
    assert tried[0]["n"] <= 2 * rig.relay.connections
    assert len(rig.office.messages) == 80


async def test_a_relay_may_take_fewer_connections_than_we_would_make(rig: Rig) -> None:
    rig.office.most_connections = 3
    rig.office.rules.set(Rule(stage=Stage.END, delay=0.02))
    ids = [await rig.send() for _ in range(60)]
    async with rig.at_work(Lane.STANDARD):
        for message_id in ids:
            await rig.until(message_id, State.SENT)
    assert not await _returned(rig)
    assert len(rig.office.messages) == 60


async def _returned(rig: Rig) -> bool:
    """Whether messages were handed back because no relay can be used."""
    found = await rig.rows(
        "SELECT count(*) AS n FROM log WHERE reason = 'connection_failed' AND before = 'claimed'"
    )
    return bool(found[0]["n"])


async def test_lanes_go_to_relays_of_their_own(rig: Rig, second_office: PostOffice) -> None:
    own = relay_of(second_office, name="second", lanes=("urgent",))
    rest = rig.relay.model_copy(update={"lanes": ("standard", "bulk")})
    urgent = await rig.send(lane=int(Lane.URGENT))
    bulk = await rig.send(lane=int(Lane.BULK))
    rig.relays = (own, rest)
    async with rig.at_work():
        for message_id in (urgent, bulk):
            await rig.until(message_id, State.SENT)
    assert [(await rig.attempts(m))[0]["relay"] for m in (urgent, bulk)] == [
        "second",
        "post-office",
    ]
    assert len(second_office.messages) == len(rig.office.messages) == 1


async def test_the_notice_may_limit_the_attempts(rig: Rig) -> None:
    rig.office.rules.set(Rule(stage=Stage.RCPT, reply="451 4.3.0 later"))
    message_id = await rig.send(most_attempts=1)
    async with rig.at_work():
        await rig.until(message_id, State.FAILED)
    assert await rig.state(message_id) == (State.FAILED, Reason.ATTEMPTS_EXHAUSTED)


async def test_a_destination_limits_the_mails_over_one_connection(direct: Rig) -> None:
    direct.relay = direct.relay.model_copy(update={"connections": 1})
    ids = [m for n in range(7) for m in await _send_to(direct, "docomo.example.jp", 1)]
    one = Limits(connections=1, rate_per_minute=6000, most_messages=2, burst=50)
    known = {"docomo": Destination("docomo", one)}
    direct.destinations = replace(
        direct.destinations, known=known, exact={"docomo.example.jp": "docomo"}, below={}
    )
    async with direct.at_work(Lane.STANDARD):
        for message_id in ids:
            await direct.until(message_id, State.SENT)
    assert direct.office.connections == 4


def test_a_relay_that_falls_behind_gets_less_bulk_at_a_time() -> None:
    relay = Relay(host="localhost", tls=Tls.NONE)
    gates = Gates([relay], shipped(), bulk=8)
    pool = ConnectionPool([relay], gates, size=8)
    accepted = Reply(outcome=Outcome.ACCEPTED, command="BODY", code=250)
    assert pool.paced == 8
    for n in range(100):
        gates.of(relay).ended("a@example.jp", accepted, 0.05 if n < 50 else 3.0, float(n))
    assert pool.paced < 4
    for n in range(100, 400):
        gates.of(relay).ended("a@example.jp", accepted, 0.05, float(n))
    assert pool.paced == 8


def test_a_smarthost_that_asks_for_less_is_left_alone_for_a_while() -> None:
    relay = Relay(host="localhost", tls=Tls.NONE)
    gate = Gate(relay, shipped(), bulk=1)
    assert gate.begin("a@docomo.example.jp", 0.0) == 0
    busy = Reply(outcome=Outcome.TEMPORARY, command="RCPT", code=450, enhanced="4.7.1", text="slow")
    gate.ended("a@docomo.example.jp", busy, 0.1, 1.0)
    assert gate.begin("b@other.example.jp", 2.0) > 10  # whatever the destination
    assert gate.begin("b@other.example.jp", 1000.0) == 0


def test_what_flew_when_a_smarthost_recovered_is_not_counted_for_ever() -> None:
    relay = Relay(host="localhost", tls=Tls.NONE)
    gate = Gate(relay, shipped(), bulk=1)
    busy = Reply(outcome=Outcome.TEMPORARY, command="RCPT", code=450, enhanced="4.7.1", text="slow")
    taken = Reply(outcome=Outcome.ACCEPTED, command="BODY", code=250)
    to, now = "a@example.jp", 0.0
    for _ in range(8):  # it asks for less, and recovers while others are in flight
        gate.begin(to, now)
        gate.ended(to, busy, 0.1, now)
        now += 1000.0
        assert [gate.begin(to, now) for _ in range(3)] == [0, 0, 0]
        for _ in range(60):
            now += 1.0
            assert gate.begin(to, now) == 0
            gate.ended(to, taken, 0.1, now)
        for _ in range(3):
            gate.ended(to, taken, 0.1, now)


async def test_slow_replies_hold_up_no_line_of_a_mass_mailing_that_is_free(rig: Rig) -> None:
    """A mailing waits for a larger helping only for a moment, also when most lines are busy."""
    rig.relay = rig.relay.model_copy(update={"connections": 6})
    rig.office.rules.set(Rule(stage=Stage.END, address="*@stuck.example.jp", delay=4.0))
    bulk = {"lane": int(Lane.BULK)}
    stuck = [
        await rig.send(to=await rig.register(email=f"m{n}@stuck.example.jp"), **bulk)
        for n in range(5)
    ]
    free = [await rig.send(**bulk) for _ in range(3)]
    async with rig.at_work(Lane.BULK):
        for message_id in free:
            await rig.until(message_id, State.SENT)
        waiting = [(await rig.state(message_id))[0] for message_id in stuck]
    assert waiting == [State.SENDING] * 5
