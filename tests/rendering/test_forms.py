"""Odd forms made the usual ones, and what is meant left alone."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering.facts import usual
from tests.samples import WRITER


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("社⾧と⽇本", "社長と日本"),
        ("（火)と(水）", "（火）と（水）"),
        ("(月)と（木）", "(月)と（木）"),
        ("（a)b)", "（a）b)"),
        ("A\u00a0B\u202fC", "A B C"),
        ("①㈱～－Ⅰｱｲｳ髙﨑𠮷葛\U000e0100か\u3099", "①㈱～－Ⅰｱｲｳ髙﨑𠮷葛\U000e0100か\u3099"),
        ("（a\nb)", "（a\nb)"),
    ],
)
def test_usual(text: str, made: str) -> None:
    assert usual(text) == made


@given(st.text())
def test_twice_is_once_and_nothing_else_changes(text: str) -> None:
    made = usual(text)
    assert usual(made) == made
    assert len(made) == len(text)
    for before, after in zip(text, made, strict=True):
        assert (
            before == after or (before, after) in {("(", "（"), (")", "）")} or _odd(before, after)
        )


def _odd(before: str, after: str) -> bool:
    folds = 0x2F00 <= ord(before) <= 0x2FDF or before in "\u00a0\u202f"
    return folds and unicodedata.normalize("NFKC", before) == after


def test_facts_are_folded_and_names_never() -> None:
    c = WRITER.sample("apology", "overcharge")
    c = replace(
        c,
        recipient=replace(c.recipient, name="⾧野（太郎)"),
        facts={**c.facts, "cause": "⽇付（火)の誤りです。"},
    )
    for _ in range(4):  # by the templates, and by what is prepared from them
        mail = WRITER.mail(c, token="t", message_id="a@b.example.jp")
        assert "日付（火）の誤りです。" in mail.text
        assert "⾧野（太郎) 様" in mail.text


def test_a_short_fact_is_folded_in_what_is_prepared() -> None:
    c = WRITER.sample("refund", "decided")
    for charge in ("C-1", "C-2", "C-3", "C-（1)"):
        facts = {**c.facts, "charge_id": charge}
        mail = WRITER.mail(replace(c, facts=facts), token="t", message_id="a@b.example.jp")
    assert "C-（1）" in mail.text
    assert "C-（1）" in mail.html
