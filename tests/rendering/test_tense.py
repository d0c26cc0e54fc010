"""On whichever side of its dates a message is written, it tells the past as done, and only that."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.rendering.context import issued_on
from notifier.rendering.lint import tense
from notifier.rendering.lint.proofs import Proofs, proof
from tests.samples import PHRASES, WRITER

REMEDIES = ("card_credit", "bank_transfer", "next_charge", "account_needed")
#: Steps and the fields whose days may lie on either side of the message's.
DATED = [
    ("apology", "overcharge", ("remedy_on",)),
    ("apology", "double_charge", ("remedy_on",)),
    ("apology", "wrong_amount_displayed", ("deadline", "recharge_on")),
    ("apology", "could_not_correct", ("deadline", "next_attempt_on")),
    ("refund", "decided", ("pay_on", "account_deadline")),
    ("refund", "completed", ("completed_on",)),
    ("renewal", "before_60", ("reply_by", "ends_on", "first_charge_on")),
    ("renewal", "before_14", ("reply_by", "ends_on", "first_charge_on")),
    ("reregistration_deadline", "passed", ("deadline", "recharge_on", "contact_by")),
]
PROOFS = {name: Proofs(WRITER.folders["ja", name]) for name in {n for n, _, _ in DATED}}


def _sides(c: Correspondence, fields: tuple[str, ...]) -> Iterator[Correspondence]:
    """The message with each of its days the day before, on the day, and the day after."""
    today = issued_on(c.written_at)
    for field in fields:
        for days in (-1, 0, 1):
            day = (today + timedelta(days=days)).isoformat()
            yield replace(c, facts={**c.facts, field: day})


def _by_every_way(c: Correspondence) -> Iterator[Correspondence]:
    way = next((name for name in ("remedy", "method") if name in c.facts), None)
    for remedy in REMEDIES if way else ():
        yield replace(c, facts={**c.facts, str(way): remedy})
    yield c


def _disagreeing(c: Correspondence) -> list[Any]:
    proofs = PROOFS[c.notice]
    proofs.proofs = [proof(PHRASES[c.notice], channel, c) for channel in Channel]
    return list(tense.tenses(proofs))


@pytest.mark.parametrize(("notice", "step", "fields"), DATED)
def test_it_agrees_with_the_calendar_on_either_side(
    notice: str, step: str, fields: tuple[str, ...]
) -> None:
    for c in WRITER.samples(notice, step).values():
        for one in _by_every_way(c):
            for moved in _sides(one, fields):
                assert not _disagreeing(moved), moved.facts


def _lead(c: Correspondence) -> str:
    mail = WRITER.mail(c, token="t", message_id="a@b.jp").text
    return "".join(mail.split("■ お客様の番号")[0].split())


@pytest.mark.parametrize(
    ("remedy", "day", "said", "unsaid"),
    [
        ("card_credit", "2025-07-25", "お返しする手続きをいたしました", "手続きします"),
        ("bank_transfer", "2025-07-25", "お返しいたしました", "お振り込みします"),
        ("next_charge", "2025-07-25", "差し引きました", "差し引きます"),
        (
            "card_credit",
            "2025-07-28",
            "本日（2025年7月28日）にカード会社へ手続きします",
            "手続きしました",
        ),
        ("card_credit", "2025-07-29", "カード会社へ手続きします", "いたしました"),
        ("bank_transfer", None, "準備が整いしだい、お振り込みします", "いたしました"),
    ],
)
def test_a_remedy_in_a_letter_of_28_july(
    remedy: str, day: str | None, said: str, unsaid: str
) -> None:
    c = WRITER.sample("apology", "overcharge")
    c = replace(c, facts={**c.facts, "remedy": remedy, "remedy_on": day})
    text = _lead(c)
    assert said in text
    assert unsaid not in text


@pytest.mark.parametrize(
    ("notice", "step", "when"),
    [
        ("refund", "decided", "2025-09-16"),  # to give an account
        ("renewal", "before_14", "2025-10-27"),  # for a form
        ("apology", "wrong_amount_displayed", "2025-08-15"),
        ("apology", "could_not_correct", "2025-08-12"),
    ],
)
def test_nobody_is_asked_to_keep_a_day_that_is_over(notice: str, step: str, when: str) -> None:
    c = WRITER.sample(notice, step)
    late = replace(c, written_at=datetime.fromisoformat(f"{when}T10:00:00+09:00"))
    assert "までに" in _lead(c) or "期限までに" in _lead(c)
    assert "までに" not in _lead(late)
    assert "期限" not in _lead(late).replace("期限エラー", "")
