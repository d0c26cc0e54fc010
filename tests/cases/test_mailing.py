"""Mailings to a cohort file: once for each name, held where nobody can be reached."""

from typing import Any

import pytest

from notifier.cases.mailing import Mailed, Mailing, mail
from notifier.model.errors import BadInput
from notifier.model.states import Channel

from .conftest import ACTOR, Office

FACTS = {
    "summary": "受付記録の一部を誤って別の代理店へ送信いたしました。",
    "leaked_items": ["氏名", "住所"],
    "cause": "宛先を取り違えました。",
    "secondary_damage": "確認されておりません。",
    "other": "窓口へお知らせください。",
    "occurred_on": "2025-07-01",
    "found_on": "2025-07-02",
}


async def _mail(office: Office, *numbers: str, **more: Any) -> Mailed:
    given = {
        "name": "leak-1",
        "scheme": "group-liability",
        "notice": "apology",
        "step": "data_leak",
        "channel": Channel.LETTER,
        "facts": FACTS,
    }
    mailing = Mailing(**(given | more))
    cohort = [(number, line) for line, number in enumerate(numbers, 2)]
    async with office.engine.begin() as conn:
        house = await office.acceptor.house(conn)
        return await mail(conn, mailing, cohort, house, actor=ACTOR, now=office.hand.time)


async def test_everybody_gets_one_letter(office: Office) -> None:
    assert await _mail(office, "M0001", "POST") == Mailed(made=2, held=0, known=0)
    assert await office.messages() == [("apology", "data_leak", "letter", "queued", "created")] * 2


async def test_the_same_mailing_again_adds_nobody_twice(office: Office) -> None:
    await _mail(office, "M0001", "M0002")
    again = await _mail(office, "M0001", "M0002", "M0003")
    assert again == Mailed(made=1, held=0, known=2)
    assert len(await office.messages()) == 3


async def test_member_without_address_is_held_with_a_task(office: Office) -> None:
    assert await _mail(office, "M0001", "NONE") == Mailed(made=2, held=1, known=0)
    assert ("held_message", 1, "open") in await office.tasks()


async def test_unknown_members_are_named_by_line_and_nothing_is_made(office: Office) -> None:
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0001", "NOBODY", "NEITHER")
    assert [(e.line, e.code) for e in problem.value.errors] == [
        (3, "unknown_member"),
        (4, "unknown_member"),
    ]
    assert await office.messages() == []


async def test_missing_legal_item_and_unknown_fact_are_named(office: Office) -> None:
    facts = {k: v for k, v in FACTS.items() if k != "secondary_damage"} | {"weather": "晴れ"}
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0001", facts=facts)
    named = [(e.field, e.code) for e in problem.value.errors]
    assert named == [("facts.secondary_damage", "missing"), ("facts.weather", "unknown")]
