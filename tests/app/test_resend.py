"""Sending again: one copy for each request, and never by mistake."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from notifier.app.mailing import mail
from notifier.app.resend import Request, Resent, resend
from notifier.model.errors import BadInput, NotFound
from notifier.model.mailing import Mailing
from notifier.model.states import Channel, State
from notifier.model.suppression import SuppressionReason
from notifier.store import members, suppressions
from notifier.store.db import run
from notifier.store.suppressions import Suppression
from tests.cases.conftest import ACTOR, Office, office
from tests.samples import (
    NOW,
    SCHEME,
    WRITER,
    charge_failed,
    member,
    overcharged,
    settled,
    submitted,
)
from tests.webhooks.conftest import move

__all__ = ("office",)


async def _ask(
    office: Office, message_id: int = 1, reason: str = "届かなかった", **more: Any
) -> Resent:
    request = Request(message_id=message_id, reason=reason, **more)
    return await resend(office.engine, office.acceptor, request, actor=ACTOR, now=office.hand.time)


async def _refused(office: Office, message_id: int = 1, **more: Any) -> tuple[str, str]:
    before = await office.rows("SELECT count(*) AS n FROM message_keys")
    with pytest.raises(BadInput) as told:
        await _ask(office, message_id, **more)
    assert await office.rows("SELECT count(*) AS n FROM message_keys") == before
    [error] = told.value.errors
    return error.field, error.code


async def _stands(office: Office, *states: State, message_id: int = 1) -> None:
    """Bring a message to where it stands, by moves of the table."""
    async with office.engine.begin() as conn:
        for state in states:
            await move(conn, [message_id], state)


POSTED = (State.PRINTED, State.HANDED_OVER, State.POSTED)
SENT = (State.CLAIMED, State.SENDING, State.SENT)


@pytest.fixture
async def told(office: Office) -> Office:
    """M0001 has an apology by mail (message 1), POST one by letter (message 2)."""
    await office.accept(submitted("M0001", fee=400), submitted("POST", fee=400))
    await office.accept(overcharged("M0001"))
    await office.accept(overcharged("POST"))
    return office


async def test_a_returned_letter_goes_once_more(told: Office) -> None:
    """Its copy has a number of its own, the amounts, the causes, and is printed like any other."""
    await _stands(told, *POSTED, State.RETURNED, message_id=2)
    made = await _ask(told, 2)
    assert (made.message_id, made.channel, made.made) == (3, Channel.LETTER, True)
    first, copy = await told.rows(
        """SELECT m.*, CAST(f.facts AS text) AS facts, CAST(f.shown AS text) AS shown,
               (SELECT count(*) FROM message_causes c WHERE c.message_id = m.message_id) AS causes
           FROM messages m JOIN message_facts f USING (message_id) WHERE message_id >= 2
           ORDER BY message_id"""
    )
    for same in ("case_id", "notice", "step", "generation", "facts", "shown", "causes"):
        assert first[same] == copy[same], same
    assert (copy["state"], copy["reason"]) == ("queued", "resent")
    [link] = await told.rows("SELECT * FROM resends")
    assert (link["resend_of"], link["reason"], link["requested_by"]) == (
        2,
        "届かなかった",
        str(ACTOR),
    )
    logged = await told.rows("SELECT actor, reason FROM log WHERE message_id = 3")
    assert [(r["actor"], r["reason"]) for r in logged] == [(str(ACTOR), "resent")]


async def test_one_request_makes_one_copy(told: Office) -> None:
    """Also where it is made by many at once, and after its copy has left."""
    await _stands(told, *SENT, State.BOUNCED)
    many = await asyncio.gather(*(_ask(told) for _ in range(6)))
    assert {one.message_id for one in many} == {3}
    assert sum(one.made for one in many) == 1
    await _stands(told, *SENT, message_id=3)
    told_so: tuple[dict[str, Any], ...] = ({}, {"again": True}, {"again": True, "anyway": True})
    for more in told_so:
        assert not (await _ask(told, **more)).made
    assert await _refused(told, reason="また届かない") == ("message", "resend_has_it")
    further = await _ask(told, reason="また届かない", again=True)
    assert (further.message_id, further.made) == (4, True)
    assert len(await told.messages()) == 4


@pytest.mark.parametrize(
    ("states", "more", "answer"),
    [
        ((), {}, ("message", "resend_under_way")),
        (SENT[:1], {}, ("message", "resend_under_way")),
        (SENT[:2], {"again": True, "anyway": True}, ("message", "resend_under_way")),
        ((State.HELD,), {"again": True}, ("message", "resend_held")),
        ((*SENT[:2], State.UNCERTAIN), {"again": True}, ("message", "resend_uncertain")),
        (SENT, {}, ("message", "resend_has_it")),
        ((*SENT, State.DELIVERED), {}, ("message", "resend_has_it")),
        ((*SENT[:2], State.FAILED), {}, ("message", "resend_retry")),
        ((State.CANCELLED,), {}, ("message", "resend_stopped")),
        ((State.EXPIRED,), {"again": True}, ("message", "resend_stopped")),
        ((*SENT, State.BOUNCED), {"reason": " "}, ("reason", "missing")),
        ((*SENT, State.BOUNCED), {"reason": "あ" * 501}, ("reason", "too_long")),
        ((*SENT, State.BOUNCED), {"reason": "a\x00b"}, ("reason", "control_character")),
    ],
)
async def test_what_is_not_sent_again(
    told: Office, states: tuple[State, ...], more: dict[str, Any], answer: tuple[str, str]
) -> None:
    await _stands(told, *states)
    assert await _refused(told, **more) == answer


async def test_a_reader_who_cannot_be_reached(told: Office) -> None:
    await _stands(told, *SENT, State.BOUNCED)
    await _stands(told, *POSTED, State.RETURNED, message_id=2)
    assert await _refused(told, 2, channel=Channel.EMAIL) == ("channel", "resend_no_email")
    stopped = Suppression(
        address="m0001@member.example.jp", reason=SuppressionReason.BY_PERSON, since=NOW
    )
    async with told.engine.begin() as conn:
        await members.save(conn, [(member("POST", email="", address=None), NOW)], now=NOW)
        await suppressions.set_all(conn, [stopped], actor=ACTOR, now=NOW)
    assert await _refused(told, 2) == ("channel", "resend_no_address")
    assert await _refused(told) == ("channel", "resend_suppressed")
    by_post = await _ask(told, channel=Channel.LETTER)
    [copy] = await told.rows("SELECT * FROM messages WHERE message_id = 3")
    assert (by_post.message_id, copy["channel"], copy["state"]) == (3, "letter", "queued")
    async with told.engine.begin() as conn:
        await run(conn, "UPDATE members SET status = 'left' WHERE member_no = 'POST'")
        await members.save(conn, [(member("POST", email=""), NOW)], now=NOW)
        await run(conn, "UPDATE members SET status = 'left' WHERE member_no = 'POST'")
    assert await _refused(told, 2) == ("message", "resend_member_left")
    assert (await _ask(told, 2, anyway=True)).made


async def test_a_letter_that_took_over_counts_as_the_same(told: Office) -> None:
    await _stands(told, *SENT, State.BOUNCED)
    await told.later(minutes=1)  # the fallback makes a letter of it
    assert (await told.messages())[2][2:4] == ("letter", "queued")
    assert await _refused(told) == ("message", "resend_under_way")
    await _stands(told, *POSTED, message_id=3)
    assert await _refused(told) == ("message", "resend_has_it")
    assert (await _ask(told, again=True)).made


async def test_another_mailing_about_the_same_counts_as_the_same(office: Office) -> None:
    facts = WRITER.sample("apology", "data_leak").facts
    for name in ("leak-1", "leak-2"):
        mailing = Mailing(
            name=name, scheme=SCHEME.scheme, notice="apology", step="data_leak",
            channel=Channel.LETTER, facts=facts,
        )  # fmt: skip
        async with office.engine.begin() as conn:
            house = await office.acceptor.house(conn)
            given: dict[str, Any] = {"actor": ACTOR, "now": NOW, "again": name == "leak-2"}
            assert (await mail(conn, mailing, [("M0001", 2)], house, **given)).made == 1
    await _stands(office, *POSTED, State.RETURNED)
    await _stands(office, *POSTED, message_id=2)
    assert await _refused(office) == ("message", "resend_has_it")
    assert (await _ask(office, again=True)).made


async def test_no_letter_takes_over_beside_a_copy(told: Office) -> None:
    await _stands(told, *SENT, State.BOUNCED)
    assert (await _ask(told, channel=Channel.LETTER)).message_id == 3
    await told.later(minutes=1)
    assert len(await told.messages()) == 3


async def test_what_was_paid_is_not_asked_for_again(office: Office) -> None:
    await office.accept(charge_failed("M0001"))
    await _stands(office, *SENT, State.BOUNCED)
    await office.accept(settled("M0001", "2025-07-17"))
    assert await _refused(office) == ("message", "resend_ended")
    assert (await _ask(office, anyway=True)).made


async def test_a_copy_stops_when_its_matter_ends_and_hides_no_later_notice(office: Office) -> None:
    await office.accept(charge_failed("M0001"))
    await _stands(office, *SENT, State.BOUNCED)
    await _ask(office)
    again: dict[str, Any] = {
        "time": "2025-07-20T10:00:00+09:00",
        "data": {"charged_on": "2025-07-20"},
    }
    await office.accept(charge_failed("M0001", **again))
    states = [m[3] for m in await office.messages()]
    assert states == ["bounced", "cancelled", "queued"]  # the new failure is told, once
    await office.accept(settled("M0001", "2025-07-21"))
    assert (await office.messages())[2][3] == "cancelled"


async def test_after_its_deadline_it_is_of_no_use(office: Office) -> None:
    await office.accept(charge_failed("M0001"))
    await _stands(office, *SENT, State.BOUNCED)
    office.hand.time = NOW + timedelta(days=28)  # 8/13, a letter takes days
    given: dict[str, Any] = {"channel": Channel.LETTER}
    assert await _refused(office, **given) == ("message", "resend_too_late")
    assert (await _ask(office, **given, anyway=True)).made


async def test_amounts_that_the_register_contradicts_today_stay_here(office: Office) -> None:
    await office.accept(charge_failed("M0001"))
    await _stands(office, *SENT, State.BOUNCED)
    async with office.engine.begin() as conn:
        await run(conn, "UPDATE scheme_fees SET yen = 300")
    given: dict[str, Any] = {"again": True, "anyway": True}
    assert await _refused(office, **given) == ("message", "resend_contradicts")


async def test_what_is_not_on_record(told: Office) -> None:
    with pytest.raises(NotFound):
        await _ask(told, 77)
