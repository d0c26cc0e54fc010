"""The figures of reading are those that one counts by hand."""

import re

from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering.folder import Folder
from notifier.rendering.lint import Severity
from notifier.rendering.lint.reading import figures, sentences
from tests.rendering.lint.notices import by_rule, with_line

_TEXT = st.text("会員保険あいうアイー。、\n12ab", max_size=80)


def test_sentences_are_what_ends_as_one() -> None:
    text = "今日は\n晴れです。明日は？\n\n雨です。見出し"
    assert sentences((text, "ラベル", "雨です。")) == ["今日は晴れです。", "明日は？", "雨です。"]


def test_figures_counted_by_hand() -> None:
    found = figures(("会員証を送ります。確認されました。",))
    assert (found.sentences, found.longest_sentence, found.mean_sentence) == (2, 9, 8.5)
    assert (found.kanji_run, found.passives) == (3, 1)
    assert round(found.kanji_share, 3) == round(6 / 15, 3)
    assert figures(()).sentences == figures(("見出し",)).longest_sentence == 0


@given(_TEXT)
def test_figures_against_a_count_by_characters(text: str) -> None:
    whole = "".join(sentences((text,)))
    kanji = [c for c in whole if c in "会員保険"]
    letters = [c for c in whole if c in "会員保険あいうアイー"]
    found = figures((text,))
    assert found.kanji_share == (len(kanji) / len(letters) if kanji else 0)
    longest = max((len(run) for run in re.split("[^会員保険]", whole)), default=0)
    assert found.kanji_run == longest


def _with(text: str) -> tuple[Folder, int]:
    return with_line("words.txt", f'{{% set closing = "{text}" %}}')


def test_what_is_hard_to_read_is_found() -> None:
    hard = {
        "longest_sentence": "これは" + "とても" * 45 + "長い文です。",
        "kanji_run": "団体賠償責任保険制度運営委員会規約です。",
        "passives": "送られて読まれて書かれて消されて直されて戻されました。",
        "doubled": "社長がおっしゃられました。",
        "negation": "できないことはないと考えます。",
    }
    for rule, text in hard.items():
        folder, number = _with(text)
        [found] = by_rule(folder, rule)
        assert (found.file, found.line) == ("ja/plain/words.txt", number)
        two = rule in ("doubled", "negation")
        assert found.severity is (Severity.WARNING if two else Severity.ERROR)
    many = "".join("い" * n + "ろはにほへとちりぬるを" * 6 + "です。" for n in range(1, 9))
    assert by_rule(_with(many)[0], "mean_sentence")
    assert by_rule(
        _with("保険料請求完了。契約更新手続終了。金額訂正済。会員証発送済。申込受付終了。")[0],
        "kanji_share",
    )


def test_plain_wording_is_not() -> None:
    folder, _ = _with("金額をご確認ください。ご不明な点はお問い合わせください。")
    rules = {"longest_sentence", "mean_sentence", "kanji_run", "kanji_share", "passives", "doubled"}
    assert not [rule for rule in rules if by_rule(folder, rule)]
