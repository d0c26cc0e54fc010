"""Mailings to a cohort file: once for each name, held where nobody can be reached."""

from typing import Any

import pytest

from notifier.app.mailing import Mailed, mail
from notifier.model.errors import BadInput
from notifier.model.mailing import Mailing
from notifier.model.states import Channel
from notifier.store import members
from notifier.store.db import dumps, loads, run
from tests.samples import NOW, charge_failed, member, submitted

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


async def _mail(
    office: Office, *numbers: str, again: bool = False, with_left: bool = False, **more: Any
) -> Mailed:
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
        return await mail(
            conn, mailing, cohort, house,
            actor=ACTOR, now=office.hand.time, again=again, with_left=with_left,
        )  # fmt: skip


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


OVERCHARGE = {
    "charged_on": "2025-07-15",
    "wrong_premium": 3030,
    "wrong_other_fees": 400,
    "wrong_total": 3430,
    "correct_premium": 3030,
    "correct_other_fees": 200,
    "correct_total": 3230,
    "difference": 200,
    "remedy": "card_credit",
    "remedy_on": "2025-07-25",
}


async def _apologise(office: Office, *numbers: str, **facts: Any) -> Mailed:
    given: dict[str, Any] = {
        "name": "over-1",
        "step": "overcharge",
        "facts": {**OVERCHARGE, **facts},
    }
    return await _mail(office, *numbers, **given)


async def test_amounts_that_were_charged_go_out_and_are_on_record(office: Office) -> None:
    await office.accept(submitted("M0001", fee=400))
    assert await _apologise(office, "M0001") == Mailed(made=1, held=0, known=0)
    [found] = await office.rows("SELECT shown FROM message_facts")
    shown = {(s["role"], s["name"]): s["yen"] for s in loads(found["shown"])}
    assert shown == {
        ("charged_wrongly", "premium"): 3030,
        ("charged_wrongly", "other_fees"): 400,
        ("charged_wrongly", "total"): 3430,
        ("correct", "premium"): 3030,
        ("correct", "other_fees"): 200,
        ("correct", "total"): 3230,
        ("difference", "difference"): 200,
    }


async def test_amounts_that_the_record_does_not_bear_out_are_held_and_stay_held(
    office: Office,
) -> None:
    """M0001 was charged otherwise, of M0002 nothing is known, M0003 was charged just that."""
    await office.accept(submitted("M0001", fee=300), submitted("M0003", fee=400))
    assert await _apologise(office, "M0001", "M0002", "M0003") == Mailed(made=3, held=2, known=0)
    assert [m[3:] for m in await office.messages()] == [
        ("held", "amount_contradicts_record"),
        ("held", "charge_not_on_record"),
        ("queued", "created"),
    ]
    assert "held_message" in {t[0] for t in await office.tasks()}
    await office.release()
    assert [m[3] for m in await office.messages()] == ["held", "held", "queued"]


async def test_a_fee_that_is_not_the_registered_one_is_held(office: Office) -> None:
    await office.accept(submitted("M0001", fee=400))
    fees = {"correct_other_fees": 300, "correct_total": 3330, "difference": 100}
    assert await _apologise(office, "M0001", **fees) == Mailed(made=1, held=1, known=0)
    assert (await office.messages())[0][4] == "amount_contradicts_fee"


async def test_what_a_message_has_shown_bears_a_mailing_out(office: Office) -> None:
    """The wrong amount was never submitted under that day; a notice that left has shown it."""
    await office.accept(charge_failed("M0001"))
    async with office.engine.begin() as conn:
        await run(
            conn,
            """INSERT INTO shown (message_id, created_at, amounts)
               SELECT message_id, now(), CAST(:amounts AS jsonb) FROM messages""",
            {
                "amounts": dumps(
                    [
                        {"role": "due", "name": name, "yen": yen}
                        for name, yen in (("premium", 3030), ("other_fees", 400), ("total", 3430))
                    ]
                )
            },
        )
    given = {**OVERCHARGE, "deadline": "2025-08-14", "recharge_on": "2025-08-15"}
    facts = {k: v for k, v in given.items() if not k.startswith("remedy")}
    more: dict[str, Any] = {"name": "shown-1", "step": "wrong_amount_displayed", "facts": facts}
    assert await _mail(office, "M0001", "M0002", **more) == Mailed(made=2, held=1, known=0)


@pytest.mark.parametrize(
    ("step", "facts", "wrong"),
    [
        (
            "overcharge",
            {"wrong_total": 9999, "difference": 999},
            [("facts.wrong_total", "sum_wrong"), ("facts.difference", "difference_wrong")],
        ),
        ("overcharge", {"difference": 7}, [("facts.difference", "difference_wrong")]),
        ("overcharge", {"difference": "200"}, [("facts.difference", "wrong_type")]),
        ("overcharge", {"difference": True}, [("facts.difference", "wrong_type")]),
        ("overcharge", {"wrong_premium": -1}, [("facts.wrong_premium", "negative")]),
        ("overcharge", {"wrong_premium": 10**9}, [("facts.wrong_premium", "too_big")]),
        ("overcharge", {"charged_on": "2025-02-30"}, [("facts.charged_on", "bad_date")]),
        ("overcharge", {"charged_on": "0001-01-01"}, [("facts.charged_on", "bad_date")]),
        ("overcharge", {"charged_on": "2025-07-20"}, [("facts.charged_on", "not_yet")]),
        ("overcharge", {"remedy_on": "2025-07-01"}, [("facts.remedy_on", "before_other")]),
        ("overcharge", {"remedy": "cash"}, [("facts.remedy", "not_one_of")]),
        ("overcharge", {"remedy": " "}, [("facts.remedy", "missing")]),
        ("overcharge", {"cause": "a\x00b"}, [("facts.cause", "control_character")]),
        ("overcharge", {"cause": "\ue000"}, [("facts.cause", "private_character")]),
        ("overcharge", {"wrong_totel": 1}, [("facts.wrong_totel", "unknown")]),
        ("foo", {}, [("step", "not_one_of")]),
    ],
)  # fmt: skip
async def test_facts_that_contradict_themselves_are_refused(
    office: Office, step: str, facts: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0001", step=step, facts={**OVERCHARGE, **facts})
    assert [(e.field, e.code) for e in problem.value.errors] == wrong
    assert await office.messages() == []


async def test_a_double_charge_gives_back_what_was_due_once(office: Office) -> None:
    facts = {
        "charged_on": "2025-07-15",
        "duplicated_on": "2025-07-15",
        "duplicate_method": "bank_transfer",
        "premium": 3030,
        "other_fees": 200,
        "total": 3230,
        "refund": 3000,
        "remedy": "bank_transfer",
    }
    given: dict[str, Any] = {"name": "double-1", "step": "double_charge"}
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0001", **given, facts=facts)
    assert [(e.field, e.code) for e in problem.value.errors] == [("facts.refund", "refund_wrong")]
    done = await _mail(office, "M0001", **given, facts={**facts, "refund": 3230})
    assert done == Mailed(made=1, held=0, known=0)


async def test_who_cannot_be_in_a_cohort_is_named_by_line(office: Office) -> None:
    async with office.engine.begin() as conn:
        people = [member("OTHER", enrolments=()), member("GONE"), member("GONE2", enrolments=())]
        await members.save(conn, [(m, NOW) for m in people], now=NOW)
        await run(conn, "UPDATE members SET status = 'left' WHERE member_no LIKE 'GONE%'")
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0001", "OTHER", "GONE", "GONE2", "NOBODY")
    assert [(e.line, e.code) for e in problem.value.errors] == [
        (3, "not_enrolled"),
        (4, "member_left"),
        (5, "member_left"),
        (6, "unknown_member"),
    ]
    assert await office.messages() == []
    done = await _mail(office, "GONE", "GONE2", with_left=True)
    assert done == Mailed(made=2, held=0, known=0)


async def test_one_matter_under_another_name_needs_a_word(office: Office) -> None:
    await _mail(office, "M0001", "M0002")
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0002", "M0003", name="leak-2")
    assert [(e.line, e.code) for e in problem.value.errors] == [(2, "has_it_already")]
    done = await _mail(office, "M0002", "M0003", name="leak-2", again=True)
    assert done == Mailed(made=2, held=0, known=0)


async def test_one_name_tells_one_thing(office: Office) -> None:
    await _mail(office, "M0001")
    with pytest.raises(BadInput) as problem:
        await _mail(office, "M0002", facts=FACTS | {"cause": "別の原因です。"})
    [error] = problem.value.errors
    assert (error.field, error.code, error.params) == (
        "name", "name_taken", {"value": "facts.cause"},
    )  # fmt: skip
