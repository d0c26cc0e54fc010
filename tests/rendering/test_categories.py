"""What is asked of whom: by category of the error, and of those whose money goes back."""

import re
from collections.abc import Iterator

import pytest

from notifier.model.correspondence import Correspondence
from notifier.model.states import Channel
from notifier.rendering.lint.proofs import Proof, proof
from tests.samples import PHRASES, WRITER

NOTICES = ("card_error", "reregistration_deadline", "apology", "refund")
ALL = [
    (notice, step, name, c)
    for notice in NOTICES
    for step in WRITER.notices[notice].steps
    for name, c in WRITER.samples(notice, step).items()
]


def _categories(c: Correspondence) -> set[object]:
    return {one.get("category") for one in (c.facts, *c.facts.get("further", ()))}


def _written(c: Correspondence) -> Iterator[Proof]:
    for channel in Channel:
        yield proof(PHRASES[c.notice], channel, c)


def _bare(made: Proof) -> str:
    return "".join("".join(made.texts).split())


LIMIT = [(n, s, v, c) for n, s, v, c in ALL if _categories(c) == {"limit"}]


def test_every_step_has_a_sample_of_the_limit_alone() -> None:
    steps = {(n, s) for n, s, _, _ in ALL if n in ("card_error", "reregistration_deadline")}
    assert {(n, s) for n, s, _, _ in LIMIT} == steps


@pytest.mark.parametrize(("notice", "step", "name", "c"), LIMIT)
def test_of_the_limit_nobody_is_asked_to_register_a_card_again(
    notice: str, step: str, name: str, c: Correspondence
) -> None:
    if c.facts.get("reregistered"):
        return  # who has done it is thanked
    for made in _written(c):
        text = _bare(made)
        assert not re.search("再登録(?!は必要ありません)", text), (notice, name)
        if step != "passed":
            assert "再登録は必要ありません" in text
            assert "カード会社にご利用可能額をご確認ください" in text
            assert re.search("別の(クレジット)?カードをご登録ください", text)
            assert "直接ご請求することがあります" in text


@pytest.mark.parametrize(("notice", "step", "name", "c"), ALL)
def test_elsewhere_a_card_is_registered_again_without_an_exception(
    notice: str, step: str, name: str, c: Correspondence
) -> None:
    if _categories(c) == {"limit"}:
        return
    for made in _written(c):
        text = _bare(made)
        assert "再登録は必要ありません" not in text, (notice, step, name)
        if "limit" in _categories(c) and step != "passed":
            assert "ご利用可能額" in text  # beside others


def test_a_correction_is_never_collected() -> None:
    for _, _, name, c in ALL:
        if c.facts.get("correction"):
            for made in _written(c):
                assert "直接ご請求" not in _bare(made), name
                assert "別の方法でお返し" in _bare(made)


@pytest.mark.parametrize("name", WRITER.samples("apology", "could_not_correct"))
def test_what_follows_if_nothing_is_done_about_a_correction(name: str) -> None:
    c = WRITER.samples("apology", "could_not_correct")[name]
    for made in _written(c):
        text = _bare(made)
        assert "別の方法でお返しします" in text or "お返しの方法をご相談いたします" in text


def test_no_account_is_taken_for_known_and_none_asked_for_by_mail() -> None:
    for _, _, name, c in ALL:
        for made in _written(c):
            text = _bare(made)
            assert "ご登録の口座" not in text, name
            if "口座をお知らせください" in text:
                assert "書面で口座をお知らせください" in text
                assert "お電話ください" in text
                assert "口座番号は、メールに書かないでください" in text
