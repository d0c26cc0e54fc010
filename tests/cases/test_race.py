"""A case ends while its reminder goes out: who is first in the database has decided."""

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from notifier.archive.packing import dictionary_of
from notifier.model.event import Event
from notifier.model.notice import Lane
from notifier.rules.calendar import japan_date
from notifier.store import attempts, claims, documents, members, workers
from notifier.store.attempts import Parcel
from notifier.store.compose import WantedMessage
from tests.samples import SCHEME, charge_failed, event, member, settled, submitted

from .conftest import ACTOR, Office

TIMES = 1000
MORNING = datetime(2025, 8, 7, 1, 0, tzinfo=UTC)
BODY = b"packed"


class Worker:
    """A worker that has claimed the reminders and goes from one to the next."""

    def __init__(self, office: Office, dictionary: int) -> None:
        self.office, self.dictionary = office, dictionary
        self.worker_id: UUID = uuid4()

    async def claim(self) -> list[WantedMessage]:
        async with self.office.engine.begin() as conn:
            await workers.register(conn, self.worker_id, host="here", pid=1, journal="j")
        async with self.office.engine.begin() as conn:
            found = await claims.claim(
                conn,
                Lane.STANDARD,
                worker_id=self.worker_id,
                limit=TIMES,
                lease=timedelta(minutes=10),
                actor=ACTOR,
                now=MORNING,
                today=japan_date(MORNING),
            )
        return list(found)

    async def begin(self, claim: WantedMessage, after: float) -> bool:
        """Ask for the permit of one reminder, and whether it was given."""
        parcel = Parcel(
            message_id=claim.message_id,
            fence=claim.fence,
            relay="r",
            digest="d",
            sha256=b"h",
            size=len(BODY),
            dictionary_id=self.dictionary,
            body=BODY,
        )
        await asyncio.sleep(after)
        async with self.office.engine.begin() as conn:
            given = await attempts.permit(conn, self.worker_id, [parcel], actor=ACTOR, now=MORNING)
        return bool(given)


def _reregistered(number: str) -> Event:
    data = {"member_no": number, "scheme": SCHEME.scheme, "charge_id": f"C-{number}"}
    return event("billing.card.reregistered", data, time=MORNING.isoformat())


def _settled(number: str) -> Event:
    return settled(number, settled_on="2025-08-07", time=MORNING.isoformat())


def _left(number: str) -> Event:
    data = {"member_no": number, "left_on": "2025-08-07"}
    return event("member.left", data, time=MORNING.isoformat())


async def _open(office: Office, numbers: list[str]) -> Worker:
    """So many cases, each with a reminder that is claimed and not begun."""
    async with office.engine.begin() as conn:
        people = [(member(no), office.hand.time) for no in numbers]
        await members.save(conn, people, now=office.hand.time)
        dictionary = await documents.keep_dictionary(
            conn, dictionary_of("d", [(False, b"what all say")]), now=MORNING
        )
    for at in range(0, len(numbers), 500):
        await office.accept(*(charge_failed(no) for no in numbers[at : at + 500]))
    async with office.engine.begin() as conn:
        from notifier.store.db import run

        await run(conn, "UPDATE messages SET state = 'sent'")
    office.hand.time = MORNING
    await office.sweep_at(2025, 8, 7, 1, 0)
    return Worker(office, dictionary)


@pytest.mark.parametrize(
    ("told", "why"),
    [(_reregistered, "reregistered"), (_settled, "settled"), (_left, "member_left")],
    ids=["reregistered", "settled", "left"],
)
async def test_a_thousand_ends_against_a_thousand_reminders(
    office: Office, told: Callable[[str], Event], why: str
) -> None:
    """A third each with the permit first, with the event first, and with both at once."""
    numbers = [f"R{n:04d}" for n in range(TIMES)]
    worker = await _open(office, numbers)
    claimed = {c.message_id: c for c in await worker.claim()}
    assert len(claimed) == TIMES
    found = await office.rows(
        """SELECT m.message_id, p.member_no FROM messages m JOIN members p USING (member_id)
           WHERE m.state = 'claimed'"""
    )
    dice, begun = random.Random(5), set()

    async def race(message_id: int, number: str, first: int) -> None:
        """``first``: 0 the permit, 1 the event, else both at once."""
        ends = office.acceptor.accept([told(number)], ACTOR)
        if first == 1:
            await ends
        given = worker.begin(claimed[message_id], dice.uniform(0, 0.05) if first > 1 else 0)
        if await given if first < 2 else (await asyncio.gather(given, ends))[0]:
            begun.add(message_id)
        if first == 0:
            await ends

    pairs = [(r["message_id"], r["member_no"], n % 3) for n, r in enumerate(found)]
    for at in range(0, TIMES, 5):
        await asyncio.gather(*(race(*pair) for pair in pairs[at : at + 5]))

    stands = await office.rows(
        """SELECT m.message_id, m.state, m.stopped,
               (SELECT count(*) FROM attempts a WHERE a.message_id = m.message_id) AS attempts
           FROM messages m WHERE m.notice = 'reregistration_deadline'"""
    )
    for r in stands:
        if r["message_id"] in begun:  # it is at the relay, and will not be tried again
            assert (r["state"], r["stopped"], r["attempts"]) == ("sending", why, 1)
        else:
            assert (r["state"], r["stopped"], r["attempts"]) == ("cancelled", None, 0)
    assert {m for m, _, first in pairs if first == 0} <= begun
    assert not {m for m, _, first in pairs if first == 1} & begun
    assert {m for m, _, first in pairs if first == 2} & begun
    assert {m for m, _, first in pairs if first == 2} - begun
    asks = "SELECT 1 FROM cases WHERE state = 'open' AND reregistered_at IS NULL"
    assert await office.rows(asks) == []


async def test_batches_of_the_same_events_in_opposite_order_do_not_wait_for_each_other(
    office: Office,
) -> None:
    office.hand.time = max(office.hand.time, submitted().time)
    for _ in range(3):
        events = [submitted(f"M000{n % 7 + 1}") for n in range(500)]
        ways = [office.acceptor.accept(events[::way], ACTOR) for way in (1, -1, 1, -1)]
        receipts = await asyncio.gather(*ways)
        told = [{r.id: r.event_id for r in some} for some in receipts]
        assert all(t == told[0] for t in told)
        assert sum(r.is_new for some in receipts for r in some) == 500
