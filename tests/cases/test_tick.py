"""The clock: reminders before the deadline, and what stops them."""

from dataclasses import replace
from datetime import UTC, datetime

from notifier.app.fallback import take_over
from notifier.model.event import Event
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.rules.together import charges_of, step_of
from notifier.store import messages
from notifier.store.db import run
from notifier.store.messages import Move
from tests.samples import (
    SCHEME,
    amounts,
    charge,
    charge_failed,
    event,
    overcharged,
    settled,
    submitted,
)

from .conftest import ACTOR, Office


def _reminders(found: list[tuple[str, str, str, str, str]]) -> list[tuple[str, str]]:
    return [(m[1], m[3]) for m in found if m[0] == "reregistration_deadline"]


async def _sent(office: Office) -> None:
    """The first notice has gone out."""
    for after in (State.CLAIMED, State.SENDING, State.SENT):
        found = await office.rows("SELECT message_id FROM messages WHERE notice = 'card_error'")
        moves = [
            Move(message_id=r["message_id"], after=after, reason=Reason.ACCEPTED) for r in found
        ]
        async with office.engine.begin() as conn:
            await messages.move(conn, moves, actor=ACTOR, now=office.hand.time)


async def test_reminders_of_august(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    for day in range(1, 20):
        await office.sweep_at(2025, 8, day, 0, 30)
        await office.sweep_at(2025, 8, day, 5, 0)
    assert _reminders(await office.messages()) == [
        ("before_7", "queued"),
        ("before_3", "queued"),
        ("before_1", "queued"),
    ]
    made = await office.rows(
        "SELECT created_at::date AS day FROM messages WHERE notice <> 'card_error' ORDER BY 1"
    )
    assert [str(r["day"]) for r in made] == ["2025-08-07", "2025-08-08", "2025-08-13"]


async def test_apology_on_the_day_of_a_reminder_does_not_swallow_it(office: Office) -> None:
    await office.accept(submitted(fee=400), charge_failed())
    await _sent(office)
    office.hand.time = datetime(2025, 8, 7, 1, tzinfo=UTC)
    await office.accept(overcharged(data={"exposure": "displayed"}))
    await office.sweep_at(2025, 8, 7, 2)
    assert _reminders(await office.messages()) == []  # one notice of a case a day
    await office.sweep_at(2025, 8, 8, 1)
    assert _reminders(await office.messages()) == [("before_3", "queued")]  # the firmer of two


async def test_a_reminder_of_a_correction_is_of_nothing_owed(office: Office) -> None:
    """It reaches its message as such, also beside a charge that is owed."""
    data = charge(
        charged=amounts(fee=400),
        correct=amounts(fee=200),
        difference=200,
        attempted_on="2025-07-25",
        next_attempt_on="2025-08-15",
        deadline="2025-08-14",
    )
    failed = event("billing.charge.correction_failed", data, time="2025-07-25T15:00:00+09:00")
    other = charge_failed(codes=("G12",), data={"charge_id": "D-M0001"})
    await office.accept(submitted(fee=400), failed, other)
    await office.sweep_at(2025, 8, 13, 1)
    found = """SELECT facts FROM message_facts JOIN messages USING (message_id)
               WHERE notice = 'reregistration_deadline'"""
    [row] = await office.rows(found)
    told = {one["charge_id"]: one.get("correction", False) for one in charges_of(row["facts"])}
    assert told == {"C-M0001": True, "D-M0001": False}


async def test_reregistration_stops_reminders(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    again = {"member_no": "M0001", "scheme": "group-liability"}
    await office.accept(event("billing.card.reregistered", again, time="2025-08-01T00:00:00Z"))
    await office.sweep_at(2025, 8, 7, 1)
    assert _reminders(await office.messages()) == []
    [case] = await office.rows("SELECT state FROM cases")
    assert case["state"] == "open"  # until the outcome of the charge


async def test_payment_cancels_the_reminder_that_waits(office: Office) -> None:
    await office.accept(charge_failed())
    await _sent(office)
    await office.sweep_at(2025, 8, 7, 1)
    await office.accept(settled(settled_on="2025-08-07"))
    assert _reminders(await office.messages()) == [("before_7", "cancelled")]
    await office.sweep_at(2025, 8, 13, 1)
    assert len(_reminders(await office.messages())) == 1


async def test_a_held_notice_is_not_overtaken_by_its_reminder(office: Office) -> None:
    await office.accept(charge_failed(fee=400))
    await office.sweep_at(2025, 8, 7, 1)
    assert _reminders(await office.messages()) == []


def _later_charge() -> Event:
    """Another charge of the member, of which the deadline is six days after the first one's."""
    data = {
        "charge_id": "D-M0001",
        "amounts": amounts(premium=1280),
        "deadline": "2025-08-20",
        "recharge_on": "2025-08-21",
    }
    return charge_failed(codes=("G83",), data=data)


async def _reminded(office: Office) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """Reminders that stand: day, step, and of each charge its id, deadline and own step."""
    found = await office.rows(
        """SELECT (m.next_attempt_at AT TIME ZONE 'Asia/Tokyo')::date AS day, m.step, f.facts
           FROM messages m JOIN message_facts f USING (message_id)
           WHERE m.notice = 'reregistration_deadline' AND m.state <> 'cancelled'
           ORDER BY message_id"""
    )
    return [
        (
            str(r["day"])[5:],
            r["step"],
            [
                (
                    one["charge_id"],
                    one["deadline"][5:],
                    step_of(r["facts"], one["charge_id"], r["step"]),
                )
                for one in charges_of(r["facts"])
            ],
        )
        for r in found
    ]


C7, C3, C1 = (("C-M0001", "08-14", f"before_{n}") for n in (7, 3, 1))
D7, D3, D1 = (("D-M0001", "08-20", f"before_{n}") for n in (7, 3, 1))


async def test_two_charges_are_reminded_of_in_one_message_a_day(office: Office) -> None:
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    for day in range(1, 20):
        await office.sweep_at(2025, 8, day, 0, 30)
        await office.sweep_at(2025, 8, day, 5, 0)
    assert await _reminded(office) == [
        ("08-07", "before_7", [C7]),
        ("08-08", "before_3", [C3]),
        ("08-13", "before_1", [C1, D7]),  # the first deadline leads
        ("08-15", "before_3", [D3]),
        ("08-19", "before_1", [D1]),
    ]
    [row] = await office.rows("SELECT shown FROM message_facts WHERE facts ? 'further'")
    assert [(s.get("charge"), s["yen"]) for s in row["shown"] if s["name"] in ("total", "sum")] == [
        ("C-M0001", 3230),
        ("D-M0001", 1480),
        (None, 4710),
    ]


async def test_a_charge_that_is_settled_leaves_the_reminder_of_the_other(office: Office) -> None:
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    await office.sweep_at(2025, 8, 13, 1)
    assert await _reminded(office) == [("08-13", "before_1", [C1, D7])]
    paid = {"member_no": "M0001", "charge_id": "C-M0001", "settled_on": "2025-08-13"}
    await office.accept(event("billing.charge.settled", paid | {"amount": 3230}))
    assert await _reminded(office) == [("08-13", "before_7", [D7])]
    [row] = await office.rows("SELECT * FROM messages WHERE state = 'queued' AND step = 'before_7'")
    assert str(row["useful_until"]) == "2025-08-20"
    assert (
        await office.rows(
            "SELECT * FROM message_causes WHERE message_id = :id", id=row["message_id"]
        )
        == []
    )


async def test_the_other_one_is_settled_and_the_reminder_is_changed_in_place(
    office: Office,
) -> None:
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    await office.sweep_at(2025, 8, 13, 1)
    paid = {"member_no": "M0001", "charge_id": "D-M0001", "settled_on": "2025-08-13"}
    await office.accept(event("billing.charge.settled", paid | {"amount": 1480}))
    assert await _reminded(office) == [("08-13", "before_1", [C1])]
    assert ("before_1", "queued") in _reminders(await office.messages())


async def test_reregistration_stops_the_reminder_of_both(office: Office) -> None:
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    await office.sweep_at(2025, 8, 13, 1)
    again = {"member_no": "M0001", "scheme": "group-liability"}
    await office.accept(event("billing.card.reregistered", again, time="2025-08-13T01:10:00Z"))
    assert await _reminded(office) == []
    await office.sweep_at(2025, 8, 19, 1)
    assert await _reminded(office) == []


async def test_who_is_reminded_already_is_not_reminded_again_that_day(office: Office) -> None:
    """A case that is looked at later on the day waits for the next one, firmer if need be."""
    await office.accept(charge_failed(), charge_failed(data={"charge_id": "D-M0001"}))
    await _sent(office)
    await _set(office, "D-M0001", "2025-08-07T02:00:00Z")
    await office.sweep_at(2025, 8, 7, 1)
    await office.sweep_at(2025, 8, 7, 3)
    await office.sweep_at(2025, 8, 8, 1)
    assert [(day, step, len(told)) for day, step, told in await _reminded(office)] == [
        ("08-07", "before_7", 1),
        ("08-08", "before_3", 2),
    ]


async def _set(office: Office, charge: str, due: str) -> None:
    async with office.engine.begin() as conn:
        sql = (
            "UPDATE cases SET next_due_at = CAST(:due AS text)::timestamptz WHERE matter = :charge"
        )
        await run(conn, sql, {"due": due, "charge": charge})


async def test_what_is_held_of_one_charge_does_not_hold_the_other(office: Office) -> None:
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    await office.sweep_at(2025, 8, 8, 1)
    async with office.engine.begin() as conn:
        wrong = "UPDATE cases SET facts = facts || '{\"other_fees\": 400}' WHERE matter = 'D-M0001'"
        await run(conn, wrong, {})
    await office.sweep_at(2025, 8, 13, 1)
    assert _reminders(await office.messages())[1:] == [("before_1", "queued"), ("before_7", "held")]


async def test_a_held_reminder_of_two_charges_is_released_with_both(office: Office) -> None:
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    await office.sweep_at(2025, 8, 13, 1)
    raised = replace(SCHEME, fees=tuple(replace(f, yen=250) for f in SCHEME.fees))
    for scheme, state in ((raised, "held"), (SCHEME, "queued")):
        await office.register(scheme)
        assert _reminders(await office.messages()) == [("before_1", state)]
        assert await _reminded(office) == [("08-13", "before_1", [C1, D7])]


async def test_the_letter_for_a_reminder_of_two_charges(office: Office) -> None:
    """The first charge's deadline is too near for a letter; paid, the other one has time."""
    await office.accept(charge_failed(), _later_charge())
    await _sent(office)
    await office.sweep_at(2025, 8, 13, 1)
    [mail] = await office.rows("SELECT * FROM messages WHERE step = 'before_1'")
    async with office.engine.begin() as conn:
        for after in (State.CLAIMED, State.SENDING, State.SENT, State.BOUNCED):
            one = Move(message_id=mail["message_id"], after=after, reason=Reason.ACCEPTED)
            await messages.move(conn, [one], actor=ACTOR, now=office.hand.time)
    paid = {"member_no": "M0001", "charge_id": "C-M0001", "settled_on": "2025-08-13"}
    when = "2025-08-13T02:00:00Z"
    await office.accept(event("billing.charge.settled", paid | {"amount": 3230}, time=when))
    house = await office.house()
    async with office.engine.begin() as conn:
        await take_over(conn, house, actor=ACTOR, now=office.hand.time)
    [letter] = await office.rows("SELECT * FROM messages WHERE channel = 'letter'")
    assert (letter["step"], str(letter["useful_until"])) == ("before_7", "2025-08-20")
    assert (await _reminded(office))[-1] == ("08-13", "before_7", [D7])


async def test_the_end_of_two_charges_is_one_message(office: Office) -> None:
    await office.accept(charge_failed(), charge_failed(data={"charge_id": "D-M0001"}))
    await _sent(office)
    await office.sweep_at(2025, 8, 20, 1)
    assert [(step, len(told)) for _, step, told in await _reminded(office)] == [("passed", 2)]
    assert [t[:2] for t in await office.tasks()] == [("outcome_missing", 1), ("outcome_missing", 1)]
