"""Held messages: nobody waves an amount past the guard."""

from dataclasses import replace
from datetime import date
from typing import Any

from notifier.app.release import Released, recheck, release
from notifier.model.money import LineKind
from notifier.model.reasons import Reason
from notifier.model.scheme import Fee
from notifier.model.states import State
from notifier.model.verdict import Category
from notifier.store import messages, schemes
from notifier.store.messages import Move
from tests.samples import SCHEME, charge_failed

from .conftest import ACTOR, Office


async def _release(office: Office, **how: Any) -> list[Released]:
    async with office.engine.begin() as conn:
        held = await messages.held(conn)
        house = await office.acceptor.house(conn)
        return await release(conn, held, house, actor=ACTOR, now=office.hand.time, **how)


async def test_contradiction_stays_held(office: Office) -> None:
    await office.accept(charge_failed(fee=400))
    [released] = await _release(office)
    assert (released.state, released.reason) == ("held", "amount_contradicts_fee")


async def test_released_when_the_register_agrees(office: Office) -> None:
    await office.accept(charge_failed(fee=400))
    fee = Fee(kind=LineKind.OPERATING_FEE, yen=400, valid_from=date(2024, 4, 1))
    async with office.engine.begin() as conn:
        registered = replace(SCHEME, fees=(fee,))
        await schemes.save(conn, registered, actor=ACTOR, now=office.hand.time)
    [released] = await _release(office)
    assert released.state == "queued"
    log = await office.rows("SELECT actor, before, after, reason FROM log WHERE kind = 'move'")
    assert tuple(log[-1].values()) == ("key:test", "held", "queued", "released")


async def test_what_waits_is_held_when_the_register_is_corrected(office: Office) -> None:
    wrong = Fee(kind=LineKind.OPERATING_FEE, yen=400, valid_from=date(2024, 4, 1))
    async with office.engine.begin() as conn:
        erroneous = replace(SCHEME, fees=(wrong,))
        await schemes.save(conn, erroneous, actor=ACTOR, now=office.hand.time)
    await office.accept(charge_failed("M0001", fee=400), charge_failed("POST", fee=400))
    async with office.engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=office.hand.time)
        house = await office.acceptor.house(conn)
        held = await recheck(conn, SCHEME.scheme, house, actor=ACTOR, now=office.hand.time)
    assert held == 2
    assert {m[3:] for m in await office.messages()} == {("held", "amount_contradicts_fee")}
    assert await office.tasks() == [("held_message", 2, "open")]


async def test_amounts_on_record_are_those_that_are_released(office: Office) -> None:
    await office.accept(charge_failed(fee=400))
    await office.accept(charge_failed(fee=200))  # told again, not superseding
    [released] = await _release(office)
    assert released.state == "queued"
    [row] = await office.rows("SELECT facts, shown FROM message_facts")
    assert row["facts"]["other_fees"] == 200
    assert {s["name"]: s["yen"] for s in row["shown"]}["other_fees"] == 200


async def test_unknown_code_is_released_by_a_persons_reading(office: Office) -> None:
    await office.accept(charge_failed(codes=("ZZ9",)))
    [released] = await _release(office)
    assert released.state == "held"
    [released] = await _release(office, category=Category.LIMIT)
    assert released.state == "queued"
    [facts] = await office.rows("SELECT facts FROM message_facts")
    assert facts["facts"]["category"] == "limit"


async def test_task_closes_itself_when_nothing_is_held_any_more(office: Office) -> None:
    await office.accept(charge_failed("M0001", fee=400, id="a"), charge_failed("M0002", fee=400))
    await office.later(minutes=1)
    assert await office.tasks() == [("held_message", 2, "open")]
    await office.accept(charge_failed("M0001", supersedes="a"))
    await office.later(minutes=1)
    assert await office.tasks() == [("held_message", 2, "open")]
    async with office.engine.begin() as conn:
        held = await messages.held(conn)
        moves = [
            Move(message_id=h.message_id, after=State.CANCELLED, reason=Reason.BY_PERSON)
            for h in held
        ]
        await messages.move(conn, moves, actor=ACTOR, now=office.hand.time)
    await office.later(minutes=1)
    assert await office.tasks() == [("held_message", 2, "done")]


async def test_reminder_with_a_wrong_amount_stays_held(office: Office) -> None:
    wrong = Fee(kind=LineKind.OPERATING_FEE, yen=400, valid_from=date(2024, 4, 1))
    async with office.engine.begin() as conn:
        erroneous = replace(SCHEME, fees=(wrong,))
        await schemes.save(conn, erroneous, actor=ACTOR, now=office.hand.time)
    await office.accept(charge_failed(fee=400))
    async with office.engine.begin() as conn:
        await schemes.save(conn, SCHEME, actor=ACTOR, now=office.hand.time)
    await office.sweep_at(2025, 8, 7, 1)
    [released] = await _release(office)
    assert (released.state, released.reason) == ("held", "amount_contradicts_fee")
    [message] = [m for m in await office.messages() if m[3] == "held"]
    assert message[0] == "reregistration_deadline"


async def test_reading_a_code_does_not_pass_a_wrong_amount(office: Office) -> None:
    await office.accept(charge_failed(codes=("ZZ9",), fee=400))
    [released] = await _release(office, category=Category.LIMIT)
    assert (released.state, released.reason) == ("held", "amount_contradicts_fee")
