"""Charges of one member told in one message, and the same words said once."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from notifier.app.fallback import take_over
from notifier.model.actor import system
from notifier.model.event import Event
from notifier.model.reasons import Reason
from notifier.model.states import State
from notifier.store import messages
from notifier.store.messages import Move
from tests.cases.conftest import Office
from tests.samples import NOTICES, SCHEME, amounts, charge_failed, settled

ACTOR = system("test")


def second(number: str = "M0001", charge: str = "D", **more: Any) -> Event:
    """Another charge of the member that failed."""
    data = {"charge_id": f"{charge}-{number}", "amounts": amounts(premium=1280), **more}
    return charge_failed(number, codes=("G83",), data=data)


async def _facts(office: Office) -> list[dict[str, Any]]:
    found = await office.rows(
        "SELECT facts FROM message_facts JOIN messages USING (message_id) ORDER BY message_id"
    )
    return [r["facts"] for r in found]


async def _told(office: Office) -> list[list[int]]:
    """Totals that each message that stands tells of."""
    found = await office.rows(
        """SELECT f.facts FROM message_facts f JOIN messages m USING (message_id)
           WHERE m.state <> 'cancelled' ORDER BY message_id"""
    )
    return [
        [r["facts"]["total"], *(one["total"] for one in r["facts"].get("further", ()))]
        for r in found
    ]


async def _move(office: Office, message_id: int, *ways: State) -> None:
    async with office.engine.begin() as conn:
        for after in ways:
            one = Move(message_id=message_id, after=after, reason=Reason.ACCEPTED)
            await messages.move(conn, [one], actor=ACTOR, now=office.hand.now())


@pytest.mark.parametrize("apart", [False, True], ids=["one batch", "one after the other"])
async def test_charges_with_one_deadline_are_one_message(office: Office, apart: bool) -> None:
    if apart:
        await office.accept(charge_failed())
        await office.accept(second())
    else:
        await office.accept(charge_failed(), second())
    assert [m[3] for m in await office.messages()] == ["queued"]
    [facts] = await _facts(office)
    assert (facts["charge_id"], facts["total"], facts["category"]) == ("C-M0001", 3230, "limit")
    [other] = facts["further"]
    assert (other["charge_id"], other["total"], other["category"]) == ("D-M0001", 1480, "expiry")
    [row] = await office.rows("SELECT shown FROM message_facts")
    assert [(s.get("charge"), s["name"], s["yen"]) for s in row["shown"]] == [
        ("C-M0001", "premium", 3030),
        ("C-M0001", "other_fees", 200),
        ("C-M0001", "total", 3230),
        ("D-M0001", "premium", 1280),
        ("D-M0001", "other_fees", 200),
        ("D-M0001", "total", 1480),
        (None, "sum", 4710),
    ]
    assert await office.outcomes() == [("send", "created"), ("skip", Reason.TOLD_TOGETHER)]
    assert len(await office.rows("SELECT * FROM message_causes")) == 2
    # Told once more, it is known.
    await office.accept(replace_id(second()))
    assert (await office.outcomes())[-1] == ("skip", Reason.ALREADY_CREATED)
    assert await _told(office) == [[3230, 1480]]


def replace_id(event: Event) -> Event:
    return replace(event, id=f"{event.id}-again", digest=b"another")


async def test_a_claim_ends_when_another_charge_joins(office: Office) -> None:
    await office.accept(charge_failed())
    await _move(office, 1, State.CLAIMED)
    await office.accept(second())
    assert [m[3] for m in await office.messages()] == ["queued"]
    assert await _told(office) == [[3230, 1480]]


@pytest.mark.parametrize("state", [State.SENDING, State.SENT])
async def test_what_has_left_is_not_added_to(office: Office, state: State) -> None:
    await office.accept(charge_failed())
    await _move(office, 1, State.CLAIMED, State.SENDING, *([state] if state == "sent" else []))
    await office.accept(second())
    assert await _told(office) == [[3230], [1480]]


@pytest.mark.parametrize(
    "other",
    [
        second(deadline="2025-08-20", recharge_on="2025-08-21"),
        second("M0002"),
        second(amounts=amounts(premium=1280, fee=400)),
    ],
    ids=["another deadline", "another member", "held for its amount"],
)
async def test_what_does_not_belong_together(office: Office, other: Event) -> None:
    await office.accept(charge_failed(), other)
    assert await _told(office) == [[3230], [other.data.amounts.total]]  # type: ignore[attr-defined]


async def test_a_charge_that_is_settled_is_told_no_more(office: Office) -> None:
    await office.accept(charge_failed(), second(), second(charge="E"))
    await office.accept(_settled("D-M0001"))
    assert await _told(office) == [[3230, 1480]]
    assert [m[3] for m in await office.messages()] == ["queued"]
    # The one under whose key it stands: the message is made anew for the one that is left.
    await office.accept(_settled("C-M0001"))
    assert [m[3:] for m in await office.messages()] == [
        ("cancelled", "settled"),
        ("queued", "created"),
    ]
    assert await _told(office) == [[1480]]
    [_, facts] = await _facts(office)
    assert facts["charge_id"] == "E-M0001"
    assert "further" not in facts
    await office.accept(_settled("E-M0001"))
    assert await _told(office) == []


def _settled(charge: str) -> Event:
    event = settled(settled_on="2025-07-16")
    data = event.data.model_copy(update={"charge_id": charge})
    return replace(event, data=data, id=f"S-{charge}", digest=charge.encode())


async def test_each_case_goes_its_own_way_afterwards(office: Office) -> None:
    await office.accept(charge_failed(), second())
    await _move(office, 1, State.CLAIMED, State.SENDING, State.SENT)
    await office.accept(_settled("D-M0001"))
    await office.sweep_at(2025, 8, 7, 1)
    assert [m[:2] for m in await office.messages()] == [
        ("card_error", "first"),
        ("reregistration_deadline", "before_7"),
    ]
    again = {"charged_on": "2025-08-15", "deadline": "2025-09-14", "recharge_on": "2025-09-15"}
    await office.accept(charge_failed(data=again, time="2025-08-15T01:00:00Z"))
    assert (await _told(office))[-1] == [3230]
    assert (await office.outcomes())[-1] == ("send", "created")


async def test_a_letter_for_two_charges_tells_of_what_is_left(office: Office) -> None:
    await office.accept(charge_failed(), second())
    await _move(office, 1, State.CLAIMED, State.SENDING, State.SENT, State.BOUNCED)
    await office.accept(_settled("C-M0001"))
    house = await office.house()
    async with office.engine.begin() as conn:
        await take_over(conn, house, actor=ACTOR, now=office.hand.now())
    assert (await _told(office))[-1] == [1480]
    [letter] = await office.rows("SELECT case_id FROM messages WHERE channel = 'letter'")
    [case] = await office.rows("SELECT case_id FROM cases WHERE matter = 'D-M0001'")
    assert letter["case_id"] == case["case_id"]


async def test_a_corrected_register_weighs_every_charge(office: Office) -> None:
    await office.accept(charge_failed(), second())
    raised = replace(SCHEME, fees=tuple(replace(f, yen=250) for f in SCHEME.fees))
    for scheme, state in ((raised, "held"), (SCHEME, "queued")):
        await office.register(scheme)
        assert [m[3] for m in await office.messages()] == [state]
        assert await _told(office) == [[3230, 1480]]


async def test_a_first_message_can_wait_for_others(office: Office) -> None:
    patient = replace(NOTICES["card_error"], together=timedelta(minutes=10))
    office.open({**NOTICES, "card_error": patient})
    await office.accept(charge_failed())
    [row] = await office.rows("SELECT created_at, next_attempt_at FROM messages")
    assert row["next_attempt_at"] - row["created_at"] == timedelta(minutes=10)
    await office.accept(second())
    [same] = await office.rows("SELECT next_attempt_at FROM messages")
    assert same["next_attempt_at"] == row["next_attempt_at"]


async def test_the_same_words_are_said_once(office: Office) -> None:
    first = charge_failed()
    await office.accept(first)
    await _move(office, 1, State.CLAIMED, State.SENDING, State.SENT)
    corrected = replace(charge_failed(codes=("G03",)), supersedes=first.id)
    await office.accept(corrected)
    assert (await office.outcomes())[-1] == ("skip", Reason.SAID_LATELY)
    assert len(await office.messages()) == 1
    assert len(await office.rows("SELECT * FROM message_causes WHERE message_id = 1")) == 2
    # With other words, or after its window, it is said anew.
    await office.accept(replace(charge_failed(codes=("G83",)), supersedes=corrected.id))
    assert len(await office.messages()) == 2


async def test_the_same_words_after_the_window(office: Office) -> None:
    first = charge_failed()
    await office.accept(first)
    await _move(office, 1, State.CLAIMED, State.SENDING, State.SENT)
    office.hand.time += timedelta(days=15)
    await office.accept(replace(charge_failed(codes=("G03",)), supersedes=first.id))
    assert len(await office.messages()) == 2


async def test_told_by_two_systems_it_is_said_once(office: Office) -> None:
    await office.accept(charge_failed())
    await office.accept(charge_failed(source="billing/other"))
    assert await _told(office) == [[3230]]
    assert (await office.outcomes())[-1] == ("skip", Reason.SAID_LATELY)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_the_order_each_open_charge_is_told_once(office: Office, seed: int) -> None:
    """Failures and payments of a member in any order, one by one or in batches."""
    dice = random.Random(seed)
    charges = [f"{c}-M0001" for c in "CDEFG"]
    events = [second(charge=c[0]) for c in charges]
    dice.shuffle(events)
    paid = dice.sample(charges, dice.randint(0, 4))
    acts = list(events)
    for charge in paid:  # after its failure, in whatever place
        at = next(n for n, e in enumerate(acts) if _charge(e) == charge)
        acts.insert(dice.randint(at + 1, len(acts)), _settled(charge))
    while acts:
        count = dice.randint(1, len(acts))
        await office.accept(*acts[:count])
        acts = acts[count:]
    found = await office.rows(
        """SELECT f.facts FROM message_facts f JOIN messages m USING (message_id)
           WHERE m.state = 'queued'"""
    )
    told = [
        one
        for r in found
        for one in (
            r["facts"]["charge_id"],
            *(f["charge_id"] for f in r["facts"].get("further", ())),
        )
    ]
    assert sorted(told) == sorted(set(charges) - set(paid))


def _charge(event: Event) -> str:
    return str(getattr(event.data, "charge_id", ""))
