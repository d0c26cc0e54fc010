"""A letter takes over from a mail that has not reached its reader, once and in time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import RowMapping

from notifier.app.fallback import take_over
from notifier.model.actor import system
from notifier.model.closure import Closure
from notifier.model.fallback import Fallback
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import closures, fallbacks, members, messages
from notifier.store.messages import Move
from tests.cases.conftest import Office
from tests.samples import NOW, charge_failed, member, overcharged, settled, submitted

ACTOR = system("test")


async def _go(office: Office, *ways: State, only: Sequence[int] = ()) -> None:
    """Take mails through states as delivery and what comes back would."""
    async with office.engine.begin() as conn:
        found = await office.rows(
            "SELECT message_id FROM messages WHERE channel = 'email' ORDER BY message_id"
        )
        for after in ways:
            moves = [
                Move(message_id=r["message_id"], after=after, reason=Reason.ACCEPTED)
                for r in found
                if not only or r["message_id"] in only
            ]
            await messages.move(conn, moves, actor=ACTOR, now=office.hand.now())


SENT = (State.CLAIMED, State.SENDING, State.SENT)
BOUNCED = (*SENT, State.BOUNCED)


async def _take_over(office: Office, *mails: int) -> int:
    house = await office.house()
    async with office.engine.begin() as conn:
        count, _ = await take_over(
            conn, house, actor=ACTOR, now=office.hand.now(), mails=mails or None
        )
    return count


async def _letters(office: Office) -> Sequence[RowMapping]:
    return await office.rows(
        """SELECT m.*, f.facts, f.shown FROM messages m JOIN message_facts f USING (message_id)
           WHERE channel = 'letter' ORDER BY message_id"""
    )


async def _fallbacks(office: Office) -> list[str | None]:
    found = await office.rows("SELECT fallback FROM messages ORDER BY message_id")
    return [r["fallback"] for r in found]


@pytest.mark.parametrize(
    "way",
    [
        BOUNCED,
        (State.CLAIMED, State.SENDING, State.FAILED),
        (State.SUPPRESSED,),
        (State.CLAIMED, State.SUPPRESSED),
    ],
    ids=lambda way: way[-1],
)
async def test_what_the_mail_said_the_letter_says(office: Office, way: tuple[State, ...]) -> None:
    await office.accept(charge_failed())
    await _go(office, *way)
    await office.later(hours=1)
    [letter] = await _letters(office)
    [mail] = await office.rows(
        """SELECT m.*, f.facts, f.shown FROM messages m JOIN message_facts f USING (message_id)
           WHERE channel = 'email'"""
    )
    same = ("case_id", "member_id", "notice", "step", "generation", "scheme", "useful_until")
    assert [letter[n] for n in same] == [mail[n] for n in same]
    assert letter["in_place_of"] == mail["message_id"]
    assert (letter["state"], letter["facts"], letter["shown"]) == (
        "queued",
        mail["facts"],
        mail["shown"],
    )
    assert mail["fallback"] == Fallback.LETTER
    causes = await office.rows("SELECT event_id FROM message_causes ORDER BY message_id")
    assert len({r["event_id"] for r in causes}) == 1
    assert len(causes) == 2
    await office.later(hours=1)
    assert len(await _letters(office)) == 1


async def test_an_uncertain_mail_is_given_time(office: Office) -> None:
    await office.accept(charge_failed())
    await _go(office, State.CLAIMED, State.SENDING, State.UNCERTAIN)
    await office.later(hours=23)
    assert await _letters(office) == []
    await office.later(hours=2)
    assert len(await _letters(office)) == 1
    # Nobody sends the mail again by policy or by hand: the letter says it.
    await _go(office, State.QUEUED)
    [mail] = await office.rows("SELECT stopped FROM messages WHERE channel = 'email'")
    assert mail["stopped"] == Reason.LETTER_FOLLOWS


async def test_what_arrives_after_all_stops_the_letter(office: Office) -> None:
    await office.accept(charge_failed())
    await _go(office, *BOUNCED)
    assert await _take_over(office, 1) == 1
    await _go(office, State.DELIVERED)
    await office.later(minutes=1)
    [letter] = await _letters(office)
    assert (letter["state"], letter["reason"]) == ("cancelled", Reason.MAIL_ARRIVED)
    assert await _fallbacks(office) == [None, None]
    # And when it turns out to have bounced, a person is asked: its letter is gone.
    await _go(office, State.BOUNCED)
    await office.later(minutes=1)
    assert await _fallbacks(office) == [Fallback.LETTER_STOPPED, None]
    assert ("unreached_member", 1, "open") in await office.tasks()


async def test_a_letter_that_would_be_late_is_a_persons_task(office: Office) -> None:
    late = {"deadline": "2025-07-21", "recharge_on": "2025-07-22"}
    await office.accept(charge_failed(data=late), charge_failed("POST", data=late))
    await _go(office, *BOUNCED, only=[1])
    await office.later(minutes=1)
    assert [r["state"] for r in await _letters(office)] == ["held"]  # POST has no other way
    assert await _fallbacks(office) == [Fallback.TOO_LATE, None]
    [held, task] = await office.rows("SELECT * FROM tasks ORDER BY task_id")
    assert (held["kind"], held["details"]["reason"]) == ("held_message", "letter_too_late")
    assert task["details"]["fallback"] == "too_late"
    assert task["details"]["arrives_on"] == "2025-07-22"
    assert task["due_at"] > office.hand.now()


async def test_the_associations_closed_days_count(office: Office) -> None:
    soon = {"deadline": "2025-07-25", "recharge_on": "2025-07-26"}
    async with office.engine.begin() as conn:
        closed = Closure(first=date(2025, 7, 16), last=date(2025, 7, 18))
        await closures.add(conn, [closed], actor=ACTOR, now=NOW)
    await office.accept(charge_failed(data=soon), charge_failed("POST", data=soon))
    await _go(office, *BOUNCED, only=[1])
    await office.later(minutes=1)
    # Collected on Tuesday 7/22 in place of 7/16, so that it arrives on 7/25.
    assert [r["state"] for r in await _letters(office)] == ["queued", "queued"]
    async with office.engine.begin() as conn:
        closed = Closure(first=date(2025, 7, 22), last=date(2025, 7, 22))
        await closures.add(conn, [closed], actor=ACTOR, now=NOW)
    await office.accept(charge_failed("M0002", data=soon))
    await _go(office, *BOUNCED, only=[4])
    await office.later(minutes=1)
    assert (await _fallbacks(office))[-1] == Fallback.TOO_LATE


async def test_who_prefers_letters_gets_a_mail_where_only_that_is_in_time(office: Office) -> None:
    from notifier.model.states import Channel

    async with office.engine.begin() as conn:
        await members.save(conn, [(member(channel=Channel.LETTER), NOW)], now=NOW)
    late = {"deadline": "2025-07-17", "recharge_on": "2025-07-18"}
    await office.accept(charge_failed(data=late))
    assert [(m[2], m[3]) for m in await office.messages()] == [("email", "queued")]


async def test_without_a_postal_address_a_person_is_asked(office: Office) -> None:
    async with office.engine.begin() as conn:
        await members.save(conn, [(member("NONE", address=None), NOW)], now=NOW)
    await office.accept(charge_failed("NONE"))
    await _go(office, *BOUNCED)
    await office.later(minutes=1)
    assert await _fallbacks(office) == [Fallback.NO_POSTAL_ADDRESS]
    assert await _letters(office) == []
    assert await office.tasks() == [("unreached_member", 1, "open")]


async def test_nothing_follows_once_the_matter_has_ended(office: Office) -> None:
    await office.accept(charge_failed(), charge_failed("M0002"))
    await _go(office, *BOUNCED)
    await office.accept(settled(settled_on="2025-07-17"))
    await office.later(minutes=1)
    assert await _fallbacks(office) == [Fallback.ENDED, Fallback.LETTER, None]
    # The letter is stopped by what ends its matter, as everything in the case.
    await office.accept(settled("M0002", "2025-07-17"))
    [letter] = await _letters(office)
    assert (letter["state"], letter["reason"]) == ("cancelled", Reason.SETTLED)


async def test_the_latest_message_is_what_counts(office: Office) -> None:
    await office.accept(charge_failed())
    await _go(office, *SENT)
    await office.sweep_at(2025, 8, 7, 1)
    await _go(office, *BOUNCED)
    await office.later(minutes=1)
    assert [m[:4] for m in await office.messages()] == [
        ("card_error", "first", "email", "bounced"),
        ("reregistration_deadline", "before_7", "email", "bounced"),
        ("reregistration_deadline", "before_7", "letter", "queued"),
    ]
    assert await _fallbacks(office) == [Fallback.OVERTAKEN, Fallback.LETTER, None]


async def test_an_apology_needs_no_open_case(office: Office) -> None:
    await office.accept(submitted(fee=400), overcharged())
    await _go(office, *BOUNCED)
    await office.later(minutes=1)
    assert [m[:4] for m in await office.messages()][1] == (
        "apology",
        "overcharge",
        "letter",
        "queued",
    )


async def test_a_returned_letter_is_told_once(office: Office) -> None:
    await office.accept(charge_failed("POST"))
    async with office.engine.begin() as conn:
        for after in (State.PRINTED, State.HANDED_OVER, State.POSTED, State.RETURNED):
            one = Move(message_id=1, after=after, reason=Reason.POSTED)
            await messages.move(conn, [one], actor=ACTOR, now=office.hand.now())
    await office.later(minutes=1)
    await office.later(minutes=1)
    assert await office.tasks() == [("unreached_member", 1, "open")]


async def test_a_notice_without_fallback_is_left_alone(office: Office) -> None:
    await office.accept(charge_failed())
    await _go(office, *BOUNCED)
    house = await office.house()
    notices = {n: replace(notice, fallback=None) for n, notice in house.notices.items()}
    async with office.engine.begin() as conn:
        bare = replace(house, notices=notices)
        assert await take_over(conn, bare, actor=ACTOR, now=office.hand.now()) == (0, set())
    assert await _letters(office) == []


@pytest.mark.parametrize("late", [False, True])
async def test_a_report_and_a_letter_at_the_same_moment(office: Office, late: bool) -> None:
    """Whoever is second sees the first: never a letter that waits beside a mail that arrived."""
    people = [f"M{n:04d}" for n in range(1, 8)]
    await office.accept(*(charge_failed(no) for no in people))
    await _go(office, *BOUNCED)
    house = await office.house()

    async def delivered(message_id: int) -> None:
        async with office.engine.begin() as conn:
            one = Move(message_id=message_id, after=State.DELIVERED, reason=Reason.ACCEPTED)
            await messages.move(conn, [one], actor=ACTOR, now=office.hand.now())
            await fallbacks.stop_arrived(conn, ids=[message_id], actor=ACTOR, now=office.hand.now())

    async def taken(message_id: int) -> None:
        async with office.engine.begin() as conn:
            await take_over(conn, house, actor=ACTOR, now=office.hand.now(), mails=[message_id])

    acts = (taken, delivered) if late else (delivered, taken)
    await asyncio.gather(*(act(n) for n in range(1, 8) for act in acts))
    await office.later(minutes=1)
    assert all(r["state"] == "cancelled" for r in await _letters(office))
    found = await office.rows("SELECT state FROM messages WHERE channel = 'email'")
    assert {r["state"] for r in found} == {"delivered"}


async def test_two_at_once_make_one_letter(office: Office) -> None:
    await office.accept(*(charge_failed(f"M{n:04d}") for n in range(1, 8)))
    await _go(office, *BOUNCED)
    await asyncio.gather(*(_take_over(office) for _ in range(4)))
    assert len(await _letters(office)) == 7


async def test_a_letter_outlives_the_days_until_it_is_collected(office: Office) -> None:
    async with office.engine.begin() as conn:
        closed = Closure(first=date(2025, 7, 17), last=date(2025, 7, 27))
        await closures.add(conn, [closed], actor=ACTOR, now=NOW)
    await office.accept(charge_failed(time="2025-07-16T08:00:00Z"))
    await _go(office, *BOUNCED)
    await office.later(minutes=1)
    [letter] = await _letters(office)
    assert letter["expires_at"] == datetime(2025, 7, 28, 15, tzinfo=UTC)
    assert letter["expires_at"] - office.hand.now() > timedelta(days=11)


async def test_members_are_locked_before_messages(office: Office) -> None:
    """Ends of matters and letters for their mails, crosswise: nobody waits in a circle."""
    people = [f"M{n:04d}" for n in range(1, 8)]
    for _ in range(3):
        await office.accept(*(charge_failed(no) for no in people))
    await _go(office, *BOUNCED)
    await asyncio.gather(
        _take_over(office),
        office.accept(*(settled(no, "2025-07-17") for no in reversed(people))),
        _take_over(office),
    )
    await office.later(minutes=1)
    assert all(r["state"] == "cancelled" for r in await _letters(office))
