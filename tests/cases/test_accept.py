"""From events to messages, holds and skips: the main rules on the real record."""

import asyncio

import pytest

from notifier.model.errors import BadInput, Conflict
from tests.samples import amounts, charge, charge_failed, event, overcharged, settled, submitted

from .conftest import ACTOR, Office


async def test_card_error_becomes_one_message(office: Office) -> None:
    await office.accept(charge_failed())
    assert await office.messages() == [("card_error", "first", "email", "queued", "created")]
    assert await office.outcomes() == [("send", "created")]
    assert office.hand.rung


async def test_the_same_event_again_is_the_same_answer(office: Office) -> None:
    told = charge_failed()
    first = await office.accept(told)
    assert await office.accept(told) == first
    assert await office.accept(told, told) == [*first, *first]
    assert len(await office.messages()) == 1


async def test_the_same_id_with_another_payload_is_refused(office: Office) -> None:
    told = charge_failed(id="one")
    await office.accept(told)
    with pytest.raises(Conflict):
        await office.accept(charge_failed(id="one", fee=300))
    assert len(await office.outcomes()) == 1


async def test_the_same_failure_told_twice_is_one_message(office: Office) -> None:
    await office.accept(charge_failed())
    await office.accept(charge_failed())
    assert len(await office.messages()) == 1
    assert await office.outcomes() == [("send", "created"), ("skip", "already_created")]


async def test_change_of_channel_does_not_double_a_message(office: Office) -> None:
    await office.accept(charge_failed())
    moved = {"member_no": "M0001", "name": "潮田 凪", "channel": "letter", "enrolments": []}
    address = {"postcode": "1000001", "prefecture": "東京都", "city": "千代田区", "street": "9-9"}
    await office.accept(event("member.updated", moved | {"address": address}))
    await office.accept(charge_failed())
    assert len(await office.messages()) == 1


async def test_many_at_once_make_one(office: Office) -> None:
    events = [charge_failed(id=f"x{n}") for n in range(8)]
    await asyncio.gather(*(office.accept(e) for e in events), *(office.accept(e) for e in events))
    assert len(await office.messages()) == 1
    assert len(await office.outcomes()) == 8


async def test_a_later_failure_of_the_charge_speaks_again(office: Office) -> None:
    await office.accept(charge_failed())
    again = {"charged_on": "2025-08-15", "deadline": "2025-09-14", "recharge_on": "2025-09-15"}
    await office.accept(charge_failed(data=again, time="2025-08-15T10:00:00+09:00"))
    assert len(await office.messages()) == 2
    [case] = await office.rows("SELECT * FROM cases")
    assert (case["generation"], str(case["deadline"])) == (2, "2025-09-14")


async def test_wrong_fee_is_held_with_one_task(office: Office) -> None:
    await office.accept(*(charge_failed(f"M000{n}", fee=400) for n in range(1, 7)))
    assert {m[3:] for m in await office.messages()} == {("held", "amount_contradicts_fee")}
    assert await office.tasks() == [("held_message", 6, "open")]


async def test_corrected_event_replaces_the_held_message(office: Office) -> None:
    await office.accept(charge_failed(fee=400, id="wrong"))
    await office.accept(charge_failed(fee=200, supersedes="wrong"))
    assert await office.messages() == [
        ("card_error", "first", "email", "cancelled", "superseded"),
        ("card_error", "first", "email", "queued", "created"),
    ]


async def test_contradiction_in_many_submitted_charges_is_one_alert(office: Office) -> None:
    wrong = [submitted(f"M000{n}", fee=400) for n in range(1, 8)]
    await office.accept(*wrong)
    assert await office.tasks() == [("amount_alert", 7, "open")]
    assert await office.messages() == []
    assert {o for o, _ in await office.outcomes()} == {"skip"}


async def test_alert_reaches_staff_once_with_the_count(office: Office) -> None:
    async with office.engine.begin() as conn:
        from notifier.store import staff

        await staff.save(conn, "umi", "海野 渚", "umi@office.example.jp", now=office.hand.time)
    await office.accept(*(submitted(f"M000{n}", fee=400) for n in range(1, 8)))
    await office.later(seconds=5)
    await office.later(seconds=5)
    [alert] = await office.rows(
        "SELECT m.*, facts FROM messages m JOIN message_facts USING (message_id)"
    )
    assert (alert["notice"], alert["step"], alert["lane"]) == ("staff_alert", "open", 0)
    assert alert["facts"]["count"] == 7
    await office.later(hours=3)
    assert [m[1] for m in await office.messages()] == ["open", "escalated"]


async def test_unknown_code_is_held_never_category_three(office: Office) -> None:
    await office.accept(charge_failed(codes=("ZZ9",)))
    [message] = await office.messages()
    assert message[3:] == ("held", "unknown_gateway_code")
    assert await office.tasks() == [("unknown_gateway_code", 1, "open")]


async def test_silent_retry_is_a_skip_and_a_task_if_nothing_follows(office: Office) -> None:
    await office.accept(charge_failed(codes=("G91",)))
    assert await office.messages() == []
    assert await office.outcomes() == [("skip", "silent_retry")]
    assert await office.tasks() == [("outcome_missing", 1, "waiting")]
    await office.later(days=4)
    assert await office.tasks() == [("outcome_missing", 1, "open")]


async def test_outcome_in_time_takes_the_task_back(office: Office) -> None:
    await office.accept(charge_failed(codes=("G91",)))
    await office.accept(settled(settled_on="2025-07-16"))
    assert await office.tasks() == [("outcome_missing", 1, "dropped")]


async def test_success_before_the_failure_arrives(office: Office) -> None:
    await office.accept(settled(settled_on="2025-07-15"))
    await office.accept(charge_failed())
    assert await office.messages() == []
    assert ("skip", "superseded_in_time") in await office.outcomes()


async def test_settled_cancels_what_has_not_left(office: Office) -> None:
    await office.accept(charge_failed())
    await office.accept(settled())
    assert await office.messages() == [("card_error", "first", "email", "cancelled", "settled")]
    [case] = await office.rows("SELECT state, next_due_at FROM cases")
    assert (case["state"], case["next_due_at"]) == ("closed", None)


async def test_leaving_stops_requests_and_not_what_is_owed(office: Office) -> None:
    await office.accept(submitted(fee=400), charge_failed("M0001"), overcharged("M0001"))
    await office.accept(event("member.left", {"member_no": "M0001", "left_on": "2025-07-16"}))
    states = {m[0]: m[3:] for m in await office.messages()}
    assert states["card_error"] == ("cancelled", "member_left")
    assert states["apology"] == ("queued", "created")


async def test_apology_may_say_what_a_bill_may_not(office: Office) -> None:
    await office.accept(submitted(fee=400))
    await office.accept(overcharged())
    assert await office.messages() == [("apology", "overcharge", "email", "queued", "created")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"difference": 400}, "difference_wrong"),
        ({"charged": amounts(fee=600), "difference": 400}, "amount_contradicts_record"),
        ({"correct": amounts(fee=300), "difference": 100}, "amount_contradicts_fee"),
    ],
)
async def test_apology_with_a_wrong_amount_is_held(
    office: Office, change: dict[str, object], reason: str
) -> None:
    await office.accept(submitted(fee=400))
    await office.accept(overcharged(data=change))
    assert [m[3:] for m in await office.messages()] == [("held", reason)]


async def test_apology_without_any_record_is_held(office: Office) -> None:
    await office.accept(overcharged())
    assert [m[4] for m in await office.messages()] == ["charge_not_on_record"]


async def test_refund_is_checked_against_the_decision(office: Office) -> None:
    await office.accept(submitted(fee=400))
    await office.accept(overcharged())
    decided = {
        "member_no": "M0001",
        "refund_id": "R1",
        "charge_id": "C-M0001",
        "scheme": "group-liability",
        "amount": 200,
        "reason": "overcharge",
        "method": "bank_transfer",
    }
    paid = {"member_no": "M0001", "refund_id": "R1", "completed_on": "2025-07-20"}
    await office.accept(
        event("billing.refund.decided", decided),
        event("billing.refund.completed", paid | {"amount": 300}),
    )
    assert [(m[1], m[3], m[4]) for m in (await office.messages())[1:]] == [
        ("decided", "queued", "created"),
        ("completed", "held", "amount_contradicts_record"),
    ]


async def test_member_without_mail_gets_a_letter(office: Office) -> None:
    await office.accept(charge_failed("POST"))
    assert [m[2:4] for m in await office.messages()] == [("letter", "queued")]


async def test_unreachable_member_is_held_until_an_address_is_there(office: Office) -> None:
    await office.accept(charge_failed("NONE"))
    assert [m[3:] for m in await office.messages()] == [("held", "no_address")]
    known = {"member_no": "NONE", "name": "潮田 凪", "email": "n@example.jp", "enrolments": []}
    await office.accept(event("member.updated", known))
    assert [m[2:4] for m in await office.messages()] == [("email", "queued")]


async def test_older_register_entry_changes_nothing(office: Office) -> None:
    named = {"member_no": "M0001", "enrolments": []}
    new = event("member.updated", named | {"name": "新"}, time="2025-07-10T00:00:00Z")
    old = event("member.updated", named | {"name": "旧"}, time="2025-07-09T00:00:00Z")
    await office.accept(new)
    await office.accept(old)
    [row] = await office.rows(
        """SELECT contact FROM members JOIN member_contacts USING (member_id)
           WHERE member_no = 'M0001'"""
    )
    assert "新".encode() in row["contact"]
    assert await office.outcomes() == [("skip", "record_only"), ("skip", "superseded_in_time")]


async def test_new_member_and_first_event_in_one_batch(office: Office) -> None:
    known = {"member_no": "NEW", "name": "沖田 汐", "email": "s@example.jp", "enrolments": []}
    await office.accept(event("member.updated", known), charge_failed("NEW"))
    assert len(await office.messages()) == 1


async def test_one_bad_event_refuses_the_batch_and_names_it(office: Office) -> None:
    good, bad = charge_failed("M0001"), charge_failed("NOBODY")
    other = event("billing.charge.submitted", charge(amounts=amounts()) | {"scheme": "none"})
    with pytest.raises(BadInput) as problem:
        await office.accept(good, bad, other)
    assert [(e.index, e.field, e.code) for e in problem.value.errors] == [
        (1, "data.member_no", "unknown_member"),
        (2, "data.scheme", "unknown_scheme"),
    ]
    assert await office.rows("SELECT 1 FROM events") == []
    assert await office.messages() == []


async def test_superseding_what_nobody_knows_is_refused(office: Office) -> None:
    with pytest.raises(BadInput) as problem:
        await office.accept(charge_failed(supersedes="never"))
    assert [e.field for e in problem.value.errors] == ["supersedes"]


async def test_deadline_that_is_over_on_arrival_is_held(office: Office) -> None:
    office.hand.time = office.hand.time.replace(month=9)
    await office.accept(charge_failed())
    assert [m[3:] for m in await office.messages()] == [("held", "deadline_passed")]


async def test_everything_is_accounted_for(office: Office) -> None:
    from notifier.store import report

    await office.accept(
        submitted("M0001", fee=400),
        overcharged("M0001"),
        charge_failed("M0002", codes=("G91",)),
        charge_failed("M0003", fee=1),
        charge_failed("POST"),
    )
    async with office.engine.connect() as conn:
        assert await report.unaccounted(conn) == []


async def test_an_event_from_the_future_is_refused(office: Office) -> None:
    ahead = charge_failed(time="2025-07-18T10:00:00+09:00")
    with pytest.raises(BadInput) as problem:
        await office.acceptor.accept([ahead], ACTOR)
    assert [(e.field, e.code) for e in problem.value.errors] == [("time", "time_ahead")]
    assert not await office.rows("SELECT * FROM events")


async def test_enrolment_in_an_unknown_scheme_is_refused_by_its_field(office: Office) -> None:
    known = {"member_no": "M0001", "name": "潮田 凪"}
    enrolled = {"enrolments": [{"scheme": "nowhere", "policies": ["P-1"]}]}
    with pytest.raises(BadInput) as problem:
        await office.accept(event("member.updated", known | enrolled))
    assert [(e.field, e.code) for e in problem.value.errors] == [
        ("data.enrolments.0.scheme", "unknown_scheme")
    ]
