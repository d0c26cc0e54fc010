"""Leases, fences, journals: what becomes of work whose worker is gone."""

import asyncio
import os
from contextlib import closing
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from notifier.delivery.journal import Journal, orphans
from notifier.delivery.process import _serve
from notifier.delivery.replies import Outcome, Reply
from notifier.delivery.session import WorkerSession
from notifier.model.notice import Lane
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.rules.calendar import japan_date
from notifier.store import attempts, claims, messages, workers
from notifier.store.attempts import Parcel, Result
from notifier.store.claims import Claim
from notifier.store.messages import Move
from tests.delivery.rig import ACTOR, LEASE, Rig

ACCEPTED = Reply(outcome=Outcome.ACCEPTED, command="BODY", code=250, text="2.0.0 Ok", relay="r")
BODY = b"packed"


class Hand:
    """A worker whose every step a test takes by hand."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.worker_id = rig, uuid4()
        self.journal = Journal.create(rig.journals, self.worker_id)
        self.permitted_at = rig.time

    async def sign_on(self) -> "Hand":
        async with self.rig.engine.begin() as conn:
            await workers.register(conn, self.worker_id, host="here", pid=1, journal="j")
        return self

    async def claim(self) -> Claim:
        async with self.rig.engine.begin() as conn:
            [claim] = await claims.claim(
                conn,
                Lane.STANDARD,
                worker_id=self.worker_id,
                limit=10,
                lease=LEASE,
                actor=ACTOR,
                now=self.rig.time,
                today=japan_date(self.rig.time),
            )
        return Claim(claim.message_id, claim.fence)

    async def permit(self, claim: Claim) -> int | None:
        parcel = Parcel(
            message_id=claim.message_id,
            fence=claim.fence,
            relay="r",
            digest="d",
            sha256=b"h",
            size=len(BODY),
            dictionary_id=await self.rig.dictionary(),
            body=BODY,
        )
        self.permitted_at = self.rig.time
        async with self.rig.engine.begin() as conn:
            given = await attempts.permit(
                conn, self.worker_id, [parcel], actor=ACTOR, now=self.rig.time
            )
        return given.get(claim.message_id)

    async def record(self, attempt_id: int, after: State = State.SENT) -> int:
        [tried] = await self.rig.rows(
            "SELECT message_id, number, fence FROM attempts WHERE attempt_id = :id", id=attempt_id
        )
        result = Result(
            **tried,
            attempt_id=attempt_id,
            permitted_at=self.permitted_at,
            after=after,
            reason=Reason.ACCEPTED,
            outcome="accepted",
        )
        async with self.rig.engine.begin() as conn:
            done = await attempts.record(
                conn, self.worker_id, [result], actor=ACTOR, now=self.rig.time
            )
        return len(done)

    async def renew(self, *held: int) -> bool:
        async with self.rig.engine.begin() as conn:
            return await claims.renew(conn, self.worker_id, held, lease=LEASE) > 0

    def die(self) -> None:
        self.journal.close(remove=False)


async def overdue(rig: Rig) -> None:
    """All leases run out."""
    await rig.run("UPDATE messages SET lease_until = clock_timestamp() - interval '1 s'")


@pytest.fixture
async def hand(rig: Rig) -> Hand:
    return await Hand(rig).sign_on()


async def test_two_claims_never_share_a_message(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    assert await hand.claim() == Claim(message_id, 1)
    other = await Hand(rig).sign_on()
    with pytest.raises(ValueError, match="not enough values"):
        await other.claim()


async def test_a_lease_without_permit_is_queued_again(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    claim = await hand.claim()
    await overdue(rig)
    assert await hand.permit(claim) is None  # too late, even before the sweep
    await rig.sweep()
    assert await rig.state(message_id) == ("queued", Reason.LEASE_EXPIRED)


async def test_a_zombie_can_neither_permit_nor_record_nor_give_back(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    old = await hand.claim()
    await overdue(rig)
    await rig.sweep()
    other = await Hand(rig).sign_on()
    new = await other.claim()
    assert new.fence > old.fence
    attempt_id = await other.permit(new)
    assert attempt_id is not None
    assert await hand.permit(old) is None
    assert await hand.record(attempt_id) == 0
    async with rig.engine.begin() as conn:
        for given in (old, new):
            back = await claims.give_back(
                conn,
                hand.worker_id,
                [given],
                reason=Reason.HANDED_BACK,
                actor=ACTOR,
                now=rig.time,
            )
            assert back == []
    assert (await rig.state(message_id))[0] == "sending"
    assert await other.record(attempt_id) == 1
    assert await other.record(attempt_id) == 0  # once is enough
    assert (await rig.state(message_id))[0] == "sent"


async def test_a_permit_whose_lease_ran_out_is_uncertain_until_the_reply(
    rig: Rig, hand: Hand
) -> None:
    message_id = await rig.send()
    attempt_id = await hand.permit(await hand.claim())
    assert attempt_id is not None
    await overdue(rig)
    await rig.sweep()
    assert await rig.state(message_id) == ("uncertain", Reason.LEASE_EXPIRED)
    assert await rig.tasks() == [("uncertain_message", 1)]
    assert await hand.record(attempt_id) == 1
    assert (await rig.state(message_id))[0] == "sent"


async def test_a_reply_that_a_person_has_overtaken_changes_nothing(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    attempt_id = await hand.permit(await hand.claim())
    assert attempt_id is not None
    await overdue(rig)
    await rig.sweep()
    async with rig.engine.begin() as conn:
        asked = [Move(message_id=message_id, after=State.FAILED, reason=Reason.SETTLED_BY_PERSON)]
        await messages.move(conn, asked, actor=ACTOR, now=rig.time)
    assert await hand.record(attempt_id) == 0
    assert (await rig.state(message_id))[0] == "failed"


async def test_the_heartbeat_renews_what_is_held_and_nothing_else(rig: Rig, hand: Hand) -> None:
    held = await rig.send()
    await hand.claim()
    forgotten = await rig.send()
    await hand.claim()
    await overdue(rig)
    assert await hand.renew(held)
    await rig.sweep()
    assert (await rig.state(held))[0] == "claimed"
    assert (await rig.state(forgotten))[0] == "queued"


async def test_a_buried_worker_renews_nothing_and_permits_nothing(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    claim = await hand.claim()
    await rig.run("UPDATE workers SET heartbeat_at = clock_timestamp() - interval '1 h'")
    await rig.sweep()
    assert not await hand.renew(message_id)
    assert await hand.permit(claim) is None


async def test_a_living_workers_journal_is_left_alone(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    attempt_id = await hand.permit(await hand.claim())
    assert attempt_id is not None
    hand.journal.begin(attempt_id)
    await rig.sweep()
    assert (await rig.state(message_id))[0] == "sending"
    assert hand.journal.path.exists()


async def test_a_permit_that_the_journal_never_saw_begin_is_queued(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    await hand.permit(await hand.claim())
    hand.die()
    await rig.sweep()
    assert await rig.state(message_id) == ("queued", Reason.JOURNAL_UNSENT)
    [attempt] = await rig.attempts(message_id)
    assert attempt["outcome"] == "unsent"
    assert not [*rig.journals.iterdir()]


async def test_a_reply_in_the_journal_goes_on_record(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    attempt_id = await hand.permit(await hand.claim())
    assert attempt_id is not None
    hand.journal.begin(attempt_id)
    hand.journal.reply(attempt_id, ACCEPTED)
    hand.die()
    await rig.sweep()
    assert await rig.state(message_id) == ("sent", Reason.JOURNAL_REPLY)
    [attempt] = await rig.attempts(message_id)
    assert (attempt["outcome"], attempt["code"]) == ("accepted", 250)
    assert await rig.tasks() == []


async def test_a_body_without_reply_is_uncertain(rig: Rig, hand: Hand) -> None:
    message_id = await rig.send()
    attempt_id = await hand.permit(await hand.claim())
    assert attempt_id is not None
    hand.journal.begin(attempt_id)
    hand.die()
    await rig.sweep()
    assert await rig.state(message_id) == ("uncertain", Reason.BROKEN_AFTER_DATA)
    assert await rig.tasks() == [("uncertain_message", 1)]


@pytest.mark.parametrize("replied", [True, False])
async def test_a_journal_found_late_still_settles(rig: Rig, hand: Hand, replied: bool) -> None:
    """The host was away for longer than the lease."""
    message_id = await rig.send()
    attempt_id = await hand.permit(await hand.claim())
    assert attempt_id is not None
    await overdue(rig)
    await rig.sweep()
    assert (await rig.state(message_id))[0] == "uncertain"
    if replied:
        hand.journal.begin(attempt_id)
        hand.journal.reply(attempt_id, ACCEPTED)
    hand.die()
    await rig.sweep()
    expected = ("sent", Reason.JOURNAL_REPLY) if replied else ("queued", Reason.JOURNAL_UNSENT)
    assert await rig.state(message_id) == expected


def test_a_torn_line_hides_no_other(tmp_path: Path) -> None:
    worker_id = uuid4()
    journal = Journal.create(tmp_path, worker_id)
    journal.begin(1)
    with journal.path.open("ab") as file:
        file.write(b'\n{"b":2')
    journal.begin(3)
    journal.reply(3, ACCEPTED)
    journal.close(remove=False)
    [orphan] = orphans(tmp_path)
    assert orphan.worker_id == worker_id
    assert orphan.begun == frozenset({1, 3})
    assert orphan.replies == {3: ACCEPTED}


def test_a_journal_keeps_only_what_is_outstanding(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, uuid4())
    journal.begin(1)
    journal.begin(2)
    journal.reply(2, ACCEPTED)
    largest = 0
    for attempt_id in range(10, 30_000):
        journal.begin(attempt_id)
        journal.reply(attempt_id, ACCEPTED)
        journal.settled([attempt_id])
        largest = max(largest, journal.path.stat().st_size)
    journal.begin(3)
    assert largest < 3 << 20
    with closing(orphans(tmp_path)) as found:
        assert [*found] == []  # still locked
    journal.close(remove=False)
    with closing(orphans(tmp_path)) as found:
        [orphan] = found
    assert {1, 2, 3} <= orphan.begun
    assert orphan.replies[2] == ACCEPTED
    assert 1 not in orphan.replies
    assert len(orphan.begun) < 30_000
    assert [*tmp_path.iterdir()] == []


def test_a_journal_stays_when_settling_it_breaks(tmp_path: Path) -> None:
    Journal.create(tmp_path, UUID(int=1)).close(remove=False)
    found = orphans(tmp_path)
    assert next(found).worker_id == UUID(int=1)
    found.close()
    [again] = orphans(tmp_path)
    assert again.worker_id == UUID(int=1)
    assert not [*tmp_path.iterdir()]


def test_a_long_journal_begins_anew_only_at_rest(tmp_path: Path) -> None:
    journal = Journal.create(tmp_path, uuid4())
    for n in range(100_000):
        journal.begin(n)
    journal.rest()
    assert journal.path.stat().st_size == 0
    journal.begin(7)
    journal.rest()
    journal.close(remove=False)
    [orphan] = orphans(tmp_path)
    assert orphan.begun == frozenset({7})


async def test_with_a_full_disk_under_the_journal_nothing_begins(rig: Rig) -> None:
    message_id = await rig.send()
    worker = await WorkerSession.start(rig.engine, rig.journals, lease=LEASE, until=lambda: True)
    worker.journal = Journal(worker.journal.path, os.open("/dev/full", os.O_WRONLY))
    stop = asyncio.Event()
    serving = asyncio.create_task(_serve(rig.station(Lane.STANDARD), worker, stop))
    found = await rig.until(message_id, State.UNCERTAIN, State.QUEUED, State.SENT)
    while found["attempts"] == 0:
        found = await rig.until(message_id, State.UNCERTAIN, State.QUEUED, State.SENT)
    stop.set()
    await serving
    await worker.stop()
    assert await rig.state(message_id) == (State.QUEUED, Reason.CONNECTION_FAILED)
    assert rig.office.messages == []
