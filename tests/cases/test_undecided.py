"""An event that our own rules break on stays on record and takes nobody down with it."""

from datetime import timedelta

import pytest

from notifier.app import undecided
from notifier.app.event_intake import Acceptor
from notifier.model.errors import NotFound
from notifier.store.undecided import WAITS
from tests.samples import NOTICES, charge_failed, settled, submitted

from .conftest import ACTOR, Office

#: Without the notice that a failed card asks for the rules break.
WITHOUT = {name: n for name, n in NOTICES.items() if name != "card_error"}


def _broken(office: Office) -> Acceptor:
    return Acceptor(office.engine, WITHOUT, office.hand, office.hand)


async def test_event_that_breaks_the_rules_is_kept_and_tried_again(office: Office) -> None:
    broken = _broken(office)
    await broken.accept([submitted("M0001"), charge_failed("M0002"), submitted("M0003")], ACTOR)
    assert await office.outcomes() == [("skip", "checked_only")] * 2
    assert await office.tasks() == [("undecided_event", 1, "open")]
    await office.later(minutes=1)
    assert await office.messages() == [("card_error", "first", "email", "queued", "created")]
    await office.later(minutes=1)
    assert await office.tasks() == [("undecided_event", 1, "done")]


async def test_event_that_stays_broken_is_put_off_and_given_up(office: Office) -> None:
    office.open(WITHOUT)
    await office.accept(charge_failed("M0002"), charge_failed("M0003"))
    assert await office.tasks() == [("undecided_event", 2, "open")]  # one, of two events

    async def attempts() -> list[tuple[int, bool]]:
        found = await office.rows("SELECT * FROM undecided_events ORDER BY event_id")
        return [(r["attempts"], r["given_up_at"] is not None) for r in found]

    for n, wait in enumerate(WAITS, 1):
        assert await attempts() == [(n, False)] * 2
        await office.later(seconds=wait.total_seconds() - 1)  # not yet
        assert await attempts() == [(n, False)] * 2
        await office.later(seconds=1)
    most = len(WAITS) + 1
    assert await attempts() == [(most, True)] * 2
    await office.later(days=30)
    assert await attempts() == [(most, True)] * 2
    assert await office.tasks() == [("undecided_event", 2, "open")]
    logged = await office.rows("SELECT reason FROM log WHERE kind = 'event' AND reason IS NOT NULL")
    assert [r["reason"] for r in logged] == ["given_up"] * 2

    office.open(NOTICES)  # mended, and a person says so
    one, two = await undecided.waiting(office.engine)
    assert (one.attempts, one.next_try_at, one.problem) == (most, None, "KeyError")
    now = office.hand.time
    found = await undecided.retry(
        office.engine, office.acceptor, [two.event_id], actor=ACTOR, now=now
    )
    assert (found.decided, found.still) == (1, ())
    with pytest.raises(NotFound):
        await undecided.retry(office.engine, office.acceptor, [two.event_id], actor=ACTOR, now=now)
    found = await undecided.retry(office.engine, _broken(office), None, actor=ACTOR, now=now)
    assert [(s.event_id, s.attempts) for s in found.still] == [(one.event_id, 1)]
    found = await undecided.retry(office.engine, office.acceptor, None, actor=ACTOR, now=now)
    assert (found.decided, found.still) == (1, ())
    await office.later(minutes=1)
    assert ("undecided_event", "open") not in [(kind, s) for kind, _, s in await office.tasks()]


async def test_many_that_are_broken_for_good_hold_back_no_later_one(office: Office) -> None:
    office.open(WITHOUT)
    await office.accept(charge_failed("M0001"))
    # Copies of it, as many as a sweep takes: inserted, for to accept them takes a minute.
    await office.change(
        """WITH made AS (
               INSERT INTO events (source, id, type, version, member_no, occurred_at, digest,
                   received_at, actor)
               SELECT source, id || '-' || n, type, version, member_no, occurred_at, digest,
                   received_at, actor FROM events, generate_series(1, 1000) n
               RETURNING event_id, received_at
           ), kept AS (
               INSERT INTO event_payloads (event_id, received_at, payload)
               SELECT made.event_id, made.received_at, p.payload FROM made, event_payloads p
           )
           INSERT INTO undecided_events (event_id, attempts, problem, tried_at, given_up_at)
           SELECT event_id, 8, 'KeyError', received_at, received_at FROM made"""
    )
    await office.accept(charge_failed("M0002"))
    office.open(NOTICES)
    await office.later(minutes=1)
    told = await office.rows("SELECT member_no FROM messages JOIN members USING (member_id)")
    assert {r["member_no"] for r in told} == {"M0001", "M0002"}


async def test_event_that_does_not_fit_any_more_is_put_off_with_a_task(office: Office) -> None:
    office.open(WITHOUT)
    await office.accept(charge_failed("M0001"))
    await office.accept(settled("M0002", data={"charge_id": "C-M0001"}))  # the charge is hers now
    office.open(NOTICES)
    await office.later(minutes=1)
    [found] = await undecided.waiting(office.engine)
    assert (found.attempts, found.problem) == (2, "charge_of_other_member")
    assert found.next_try_at == office.hand.time + timedelta(minutes=2)
    assert await office.tasks() == [("undecided_event", 1, "open")]


async def test_corrected_event_is_decided_and_its_task_closes(office: Office) -> None:
    office.open(WITHOUT)
    wrong = charge_failed("M0001")
    await office.accept(wrong)
    await office.accept(submitted("M0001", supersedes=wrong.id))
    await office.later(minutes=1)
    await office.later(minutes=1)
    assert await undecided.waiting(office.engine) == []
    assert await office.tasks() == [("undecided_event", 1, "done")]
