"""The life of a case to its end: hours, outcomes, last words, what is told late."""

from datetime import UTC, datetime
from typing import Any

import pytest

from notifier.model.event import Event
from tests.samples import SCHEME, amounts, charge, charge_failed, event, overcharged, settled

from .conftest import Office

SECOND = {"charged_on": "2025-08-15", "deadline": "2025-09-12", "recharge_on": "2025-09-16"}


def direct(**more: Any) -> Event:
    data = charge(
        amounts=amounts(),
        deadline="2025-08-14",
        recharged_on="2025-08-15",
        decided_on="2025-08-18",
        contact_by="2025-08-29",
    )
    at = {"time": "2025-08-18T10:00:00+09:00"}
    return event("billing.charge.direct_collection_decided", data, **(at | more))


def reregistered(time: str = "2025-08-01T12:00:00+09:00", **more: Any) -> Event:
    data = {"member_no": "M0001", "scheme": SCHEME.scheme}
    return event("billing.card.reregistered", data, time=time, **more)


def left(day: str, **more: Any) -> Event:
    data = {"member_no": "M0001", "left_on": day}
    return event("member.left", data, time=f"{day}T12:00:00+09:00", **more)


async def _said(office: Office) -> list[tuple[str, str, str]]:
    """Step, state, and the moment from which it may go out, in Japan."""
    found = await office.rows(
        """SELECT step, state, to_char(next_attempt_at AT TIME ZONE 'Asia/Tokyo', 'MM-DD HH24:MI')
               AS at FROM messages ORDER BY message_id"""
    )
    return [(r["step"], r["state"], r["at"]) for r in found]


async def _case(office: Office) -> tuple[str, str]:
    [found] = await office.rows("SELECT state, reason FROM cases")
    return found["state"], found["reason"]


async def _sent(office: Office) -> None:
    """Whatever waits for nothing but its moment has gone out."""
    async with office.engine.begin() as conn:
        from notifier.store.db import run

        await run(conn, "UPDATE messages SET state = 'sent' WHERE state = 'queued'")


async def _days(office: Office, *days: tuple[int, int]) -> None:
    for month, day in days:
        await office.sweep_at(2025, month, day, 0, 5)  # 9:05 in Japan
        await _sent(office)


async def test_a_notice_of_the_night_waits_for_the_morning(office: Office) -> None:
    await office.accept(charge_failed(time="2025-07-18T22:00:00+09:00"))  # a Friday; Monday: 海の日
    assert await _said(office) == [("first", "queued", "07-22 09:00")]


async def test_what_is_urgent_by_law_waits_for_nothing(office: Office) -> None:
    from notifier.app.mailing import mail
    from notifier.model.mailing import Mailing
    from notifier.model.states import Channel
    from tests.samples import WRITER

    from .conftest import ACTOR

    sample = WRITER.sample("apology", "data_leak").facts
    told = Mailing(
        name="leak",
        scheme=SCHEME.scheme,
        notice="apology",
        step="data_leak",
        channel=Channel.EMAIL,
        facts=dict(sample),
    )
    night = datetime(2025, 7, 19, 14, 0, tzinfo=UTC)
    async with office.engine.begin() as conn:
        await mail(conn, told, [("M0001", 1)], await office.house(), actor=ACTOR, now=night)
    assert await _said(office) == [("data_leak", "queued", "07-19 23:00")]


async def test_a_first_notice_on_the_eve_is_all_that_is_said(office: Office) -> None:
    await office.accept(charge_failed(time="2025-08-12T20:00:00+09:00"))
    await _days(office, (8, 13), (8, 14), (8, 15))
    assert await _said(office) == [("first", "sent", "08-13 09:00")]


async def test_too_late_for_its_own_deadline_goes_to_a_person(office: Office) -> None:
    await office.accept(charge_failed(time="2025-08-14T20:00:00+09:00"))
    assert [m[3:] for m in await office.messages()] == [("held", "deadline_passed")]


async def test_two_notices_of_a_case_on_one_day_are_never(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.accept(overcharged(data={"charged": amounts(fee=200), "exposure": "displayed"}))
    await office.accept(charge_failed(data=SECOND | {"charged_on": "2025-07-16"}))
    assert [(s, at[:5]) for s, state, at in await _said(office) if state != "held"] == [
        ("first", "07-16"),
        ("first", "07-17"),
    ]


async def test_no_outcome_is_waited_for_and_then_said(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await _days(office, (8, 13), (8, 15), (8, 18), (8, 19))
    assert [s for s, _, _ in await _said(office)] == ["first", "before_1"]
    await _days(office, (8, 20))
    assert (await _said(office))[-1] == ("passed", "sent", "08-20 09:05")
    assert await _case(office) == ("closed", "timed_out")
    assert await office.tasks() == [("outcome_missing", 1, "open")]


async def test_who_gave_a_card_is_not_told_that_none_was_given(office: Office) -> None:
    await office.accept(charge_failed(), reregistered())
    await _days(office, (8, 7), (8, 13), (8, 20))
    assert [m[0] for m in await office.messages()] == ["card_error"]
    assert await _case(office) == ("closed", "timed_out")
    assert await office.tasks() == [("outcome_missing", 1, "open")]


async def test_a_raised_limit_is_heard_of_by_the_payment_alone(office: Office) -> None:
    await office.accept(charge_failed(codes=("G03",)))
    await _sent(office)
    await _days(office, (8, 13))
    await office.accept(settled())
    await _days(office, (8, 20), (8, 21))
    assert [s for s, _, _ in await _said(office)] == ["first", "before_1"]
    assert await _case(office) == ("closed", "settled")


async def test_a_second_failure_continues_the_case(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.accept(
        charge_failed(codes=("G83",), data=SECOND, time="2025-08-15T10:00:00+09:00")
    )
    await _days(office, (8, 20), (9, 5))
    found = await office.rows(
        """SELECT step, facts->>'category' AS category, facts->>'deadline' AS deadline
           FROM messages JOIN message_facts USING (message_id) ORDER BY message_id"""
    )
    assert [tuple(r.values()) for r in found] == [
        ("first", "limit", "2025-08-14"),
        ("first", "expiry", "2025-09-12"),
        ("before_7", "expiry", "2025-09-12"),
    ]
    assert await _case(office) == ("open", "continued")


async def test_direct_collection_is_the_last_word(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.accept(direct())
    await _days(office, (8, 20), (8, 25))
    assert (await _said(office))[-1] == ("passed", "sent", "08-18 10:00")
    assert await _case(office) == ("closed", "direct_collection")
    found = "SELECT facts FROM message_facts JOIN messages USING (message_id) WHERE step = 'passed'"
    [said] = await office.rows(found)
    assert said["facts"]["category"] == "limit"  # G02: nobody was asked to register a card


@pytest.mark.parametrize("end", [settled(settled_on="2025-08-18"), left("2025-08-18")])
async def test_a_last_word_that_has_not_left_is_stopped_too(office: Office, end: Event) -> None:
    await office.accept(charge_failed(), direct(), end)
    assert {m[3] for m in await office.messages()} == {"cancelled"}


async def test_direct_collection_of_what_nobody_told_us(office: Office) -> None:
    await office.accept(direct())
    await office.accept(charge_failed())
    assert [m[1] for m in await office.messages()] == ["passed"]
    assert await _case(office) == ("closed", "direct_collection")


async def test_a_card_given_before_the_failure_was_told(office: Office) -> None:
    await office.accept(reregistered())
    await office.accept(charge_failed())
    assert await office.messages() == []
    assert ("skip", "reregistered") in await office.outcomes()
    assert (await _case(office))[0] == "open"


async def test_a_failure_that_is_told_after_the_leaving(office: Office) -> None:
    await office.accept(left("2025-07-20"))
    await office.accept(charge_failed())
    assert await office.messages() == []
    assert await _case(office) == ("closed", "member_left")


async def test_what_a_false_payment_had_stopped_is_said_after_all(office: Office) -> None:
    await office.accept(charge_failed(time="2025-07-15T20:00:00+09:00"))
    office.hand.time = datetime(2025, 7, 15, 12, tzinfo=UTC)
    await office.accept(settled(id="paid", settled_on="2025-07-15"))
    assert await _case(office) == ("closed", "settled")
    other = settled("M0002", supersedes="paid", settled_on="2025-07-16")
    await office.accept(other)
    await office.later(seconds=1)
    await office.later(seconds=1)
    assert [m[3] for m in await office.messages()] == ["cancelled", "queued"]
    assert (await _case(office))[0] == "open"
    await _sent(office)
    await _days(office, (8, 7))
    assert (await _said(office))[-1][0] == "before_7"


async def test_a_false_reregistration_had_stopped_the_reminders(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.accept(reregistered(id="card"))
    await _days(office, (8, 7))
    again = {"member_no": "M0002", "scheme": SCHEME.scheme}
    await office.accept(event("billing.card.reregistered", again, supersedes="card"))
    await _days(office, (8, 8))
    assert [s for s, _, _ in await _said(office)] == ["first", "before_3"]


def _renewal(**more: Any) -> Event:
    data = {
        "member_no": "M0001",
        "scheme": SCHEME.scheme,
        "policies": ["P-1"],
        "ends_on": "2025-10-31",
        "renews_until": "2026-10-31",
        "amounts": amounts(premium=36360),
    }
    at = {"time": "2025-08-20T10:00:00+09:00"}
    return event("scheme.renewal_due", data | more.pop("data", {}), **(at | more))


async def test_a_renewal_is_told_on_the_days_of_its_plan(office: Office) -> None:
    await office.accept(_renewal())
    assert await office.messages() == []
    assert await office.outcomes() == [("skip", "planned")]
    await _days(office, (8, 29), (9, 1), (9, 30), (10, 1), (10, 17), (10, 31), (11, 4))
    assert [(m[1], m[2]) for m in await office.messages()] == [
        ("before_60", "letter"),
        ("before_30", "letter"),
        ("before_14", "letter"),
    ]
    days = [at for _, _, at in await _said(office)]
    assert [d[:5] for d in days] == ["09-01", "10-01", "10-17"]
    assert await _case(office) == ("closed", "ended")
    assert await office.tasks() == []


async def test_a_form_is_asked_for_in_time_and_not_later(office: Office) -> None:
    await office.accept(_renewal())
    await _days(office, (9, 1), (10, 1))
    found = await office.rows(
        "SELECT facts->>'reply_by' AS day FROM message_facts ORDER BY message_id"
    )
    assert [r["day"] for r in found] == ["2025-09-12", None]  # the 15th is a holiday


async def test_a_renewal_that_was_told_late_is_said_at_once_and_once(office: Office) -> None:
    await office.accept(_renewal(time="2025-10-18T10:00:00+09:00"))  # a Saturday
    await _days(office, (10, 19), (10, 20), (10, 21))
    assert [s for s, _, _ in await _said(office)] == ["before_14"]


async def test_a_corrected_renewal_is_told_anew(office: Office) -> None:
    await office.accept(_renewal(id="a"))
    await _days(office, (9, 1))
    more = {"amounts": amounts(premium=40000)}
    await office.accept(_renewal(supersedes="a", data=more, time="2025-09-10T10:00:00+09:00"))
    await _days(office, (9, 11), (10, 1))
    found = await office.rows(
        """SELECT step, (facts->>'total')::int AS total FROM messages
           JOIN message_facts USING (message_id) ORDER BY message_id"""
    )
    assert [(r["step"], r["total"]) for r in found] == [
        ("before_60", 36560),
        ("before_60", 40200),
        ("before_30", 40200),
    ]


async def test_who_leaves_is_not_told_of_a_renewal(office: Office) -> None:
    await office.accept(_renewal(), left("2025-08-25"))
    await _days(office, (9, 1))
    assert await office.messages() == []
