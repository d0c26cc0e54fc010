"""Each rule finds what it is for, at the right file and line, and nothing in a good notice."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from notifier.rendering.lint import Finding, Severity, lint, statements, tense
from notifier.rendering.lint.mail import columns
from notifier.rendering.lint.proofs import Proofs
from tests.rendering.lint.notices import (
    FACTS,
    FILES,
    MANIFEST,
    WORDS,
    by_rule,
    notice,
    places,
    with_line,
)

_LEAD = "{% set lead %}"
PLAIN_NOTICE = notice()
_BOTH = "再登録は必要ありません。再登録をお願いいたします。"
_APOLOGY = {"plain/notice.toml": MANIFEST.replace("ご請求のお知らせ", "お詫び")}


def _legal(section: str, field: str) -> str:
    item = f'step = "first", item = "概要", source = "x", section = "{section}"'
    return f'[legal]\nitems = [{{{item}, fields = ["{field}"]}}]'


#: (rule, file, line that is wrong, before which it is put)
WRONG = [
    ("unknown_field", "words.txt", "{% set preview = amount | yen %}", _LEAD),
    ("unknown_field", "subject.txt", "{{ nobody_knows }}", ""),
    ("unknown_field", "_base/contacts.mjml", "<!-- {{ nobody_knows }} -->", ""),
    ("unused_field", "notice.toml", 'never_shown = "text?"', ""),
    ("salutation", "words.txt", '{% set bow = ["拝啓", "謹白"] %}', ""),
    ("salutation", "words.txt", '{% set bow = ["謹啓", "敬具"] %}', ""),
    ("salutation", "words.txt", '{% set closing = "敬具" %}', ""),
    ("no_ijo", "letter.typ", "#align(center)[記]", ""),
    ("no_ki", "words.txt", "{% set closing %}\n\n以上\n{% endset %}", ""),
    ("promotion", "words.txt", '{% set closing = "今なら5%引きです。" %}', ""),
    ("promotion", "letter.typ", "お得なご案内です", ""),
    ("double_address", "words.txt", '{% set salutation = "会員各位様" %}', ""),
    ("bare_amount", "words.txt", '{% set preview = "合計は" ~ total ~ "円です。" %}', ""),
    ("bare_amount", "subject.txt", "合計{{ total }}", ""),
    ("bare_amount", "words.txt", '{% set sections = [{"title": "計", "points": [total]}] %}', ""),
    ("bare_amount", "words.txt", '{% set preview = "3430円です。" %}', ""),
    ("bare_amount", "words.txt", '{% set preview = "１２３４５円です。" %}', ""),
    ("bare_date", "body.txt", "{{ day }}", ""),
    ("bare_date", "words.txt", '{% set preview = "期限は" ~ day ~ "です。" %}', ""),
    ("bare_date", "words.txt", '{% set preview = "2025/8/14までです。" %}', ""),
    ("unescaped", "words.txt", "{% set preview = heading | safe %}", ""),
    ("unescaped", "words.txt", '{% set _a = [heading] | map("safe") | list %}', ""),
    ("unescaped", "words.txt", "{% filter safe %}{% endfilter %}", ""),
    ("unescaped", "_base/blocks.html", "{% autoescape false %}{% endautoescape %}", ""),
    ("unescaped", "words.txt", '{% set preview = Markup("<b>") %}', ""),
    ("foreign_link", "words.txt", '{% set closing = "https://elsewhere.test/x です。" %}', ""),
    ("foreign_link", "_base/blocks.html", '<img src="//elsewhere.test/x.png">', ""),
    ("foreign_link", "letter.typ", "http://member.example.jp/", ""),
    ("odd_character", "words.txt", '{% set closing = "⾧い文です。" %}', ""),
    ("odd_character", "words.txt", '{% set closing = "空\u00a0白です。" %}', ""),
    ("odd_character", "words.txt", '{% set closing = "ﾊﾝｶｸです。" %}', ""),
    ("mixed_brackets", "words.txt", '{% set closing = "14日（木)です。" %}', ""),
    ("told_as_to_come", "words.txt", '{% set closing = "2025年7月15日にお返しいたします。" %}', ""),
    ("told_as_to_come", "subject.txt", "7月15日までにお願い", ""),
    ("told_as_done", "words.txt", '{% set closing = "2025年7月17日にお返しいたしました。" %}', ""),
    ("contradiction", "words.txt", f'{{% set closing = "{_BOTH}" %}}', ""),
    ("asked_by_mail", "words.txt", '{% set closing = "口座番号をお知らせください。" %}', ""),
    ("legal_no_section", "notice.toml", _legal("ない", "cause"), ""),
    ("legal_no_fact", "notice.toml", _legal("内容", "cause"), ""),
    ("not_written", "words.txt", "{% set preview = cause.month %}", ""),
    ("broken", "words.txt", "{% set preview = %}", ""),
    ("broken", "body.mjml", "<mj-unheard-of />", "<mj-include"),
    ("broken", "_base/layout.mjml", "<mj-unheard-of />", "  </mj-body>"),
]  # fmt: skip


def test_a_good_notice_has_nothing_wrong() -> None:
    assert lint(notice()) == []


@pytest.mark.parametrize(("rule", "file", "line", "before"), WRONG)
def test_what_is_wrong_is_found_where_it_is(rule: str, file: str, line: str, before: str) -> None:
    folder, number = with_line(file, line, before=before)
    name = file if "/" in file else f"plain/{file}"
    last = number + line.count("\n")
    found = places(folder, rule)
    assert found
    assert {name for name, _ in found} == {f"ja/{name}"}
    assert {n for _, n in found} <= set(range(number, last + 1))


@pytest.mark.parametrize("word", ["盛夏の候", "時下 ますますご清栄のこととお喜び申し上げます"])
def test_no_weather_in_an_apology(word: str) -> None:
    changed = WORDS.replace("いつもお世話になっております。", f"{word}。")
    assert not by_rule(notice({"plain/words.txt": changed}), "seasonal_greeting")
    folder = notice({"plain/words.txt": changed, **_APOLOGY})
    assert set(places(folder, "seasonal_greeting")) == {("ja/plain/words.txt", 3)}


def test_one_step_alone_may_be_the_apology() -> None:
    changed = WORDS.replace('heading = "ご請求のお知らせ"', 'heading = "ご請求のお詫び"')
    changed = changed.replace("いつもお世話に", "前略、お世話に")
    found = places(notice({"plain/words.txt": changed}), "abrupt_opening")
    assert set(found) == {("ja/plain/words.txt", 3)}


def test_a_word_in_two_parts_is_found_by_what_is_written() -> None:
    folder, number = with_line("words.txt", '{% set closing = "キャン" ~ "ペーンです。" %}')
    assert places(folder, "promotion") == [("ja/plain/words.txt", number)]


def test_a_word_over_two_lines_is_found() -> None:
    folder, number = with_line("words.txt", "{% set closing %}\nこのキャン\nペーンは\n{% endset %}")
    assert places(folder, "promotion") == [("ja/plain/words.txt", number + 1)]


def test_promotion_in_a_sample_points_to_the_sample() -> None:
    folder = notice(cause="キャンペーンのためです。")
    line = (
        folder.files["plain/sample.json"]
        .split("\n")
        .index('   "cause": "キャンペーンのためです。"')
    )
    assert places(folder, "promotion") == [("ja/plain/sample.json", line + 1)]


def test_what_a_reader_can_stop_may_promote() -> None:
    manifest = MANIFEST.replace("[fields]", "unsubscribe = true\n[fields]")
    words = WORDS + '{% set closing = "お得なご案内です。" %}\n'
    folder = notice({"plain/notice.toml": manifest, "plain/words.txt": words})
    assert not by_rule(folder, "promotion")


def test_comments_are_no_text() -> None:
    assert "キャンペーン" in WORDS
    assert not by_rule(notice(), "promotion")


def test_safe_is_a_word_elsewhere() -> None:
    folder, _ = with_line("words.txt", '{% set _safe = {"safe_area": 1} %}{# x | safe #}')
    assert not by_rule(folder, "unescaped")


def test_pairs_that_go_together() -> None:
    for bow in (["拝啓", "敬具"], ["謹啓", "謹白"]):
        line = f"{{% set bow = {json.dumps(bow, ensure_ascii=False)} %}}"
        assert not by_rule(with_line("words.txt", line)[0], "salutation")


def test_an_annex_may_end_with_ijo_as_well() -> None:
    folder, _ = with_line("letter.typ", "#align(right)[以上]")
    assert not by_rule(folder, "no_ki")
    assert not by_rule(
        with_line("words.txt", '{% set closing = "5日以上かかります。" %}')[0], "no_ki"
    )


def test_a_subject_is_measured_in_full_width_characters() -> None:
    assert (columns("お知らせ"), columns("abcd"), columns("（8月）")) == (4, 2, 3.5)
    for length, severity in ((40, None), (41, Severity.WARNING), (61, Severity.ERROR)):
        folder = notice({"plain/subject.txt": "あ" * length})
        found = by_rule(folder, "long_subject")
        assert [one.severity for one in found][:1] == ([severity] if severity else [])
        assert {one.file for one in found} <= {"ja/plain/subject.txt"}


def test_both_forms_of_a_mail_say_the_same() -> None:
    only_text, number = with_line("body.txt", "テキストだけの一文です。")
    assert set(places(only_text, "only_text")) == {("ja/plain/body.txt", number)}
    page = FILES["plain/body.mjml"].strip()
    sections = "<mj-section><mj-column><mj-text>頁だけの一文</mj-text></mj-column></mj-section>"
    layout = (
        notice().files["_base/layout.mjml"].replace("  </mj-body>", f"{sections}\n  </mj-body>")
    )
    only_page = notice({"_base/layout.mjml": layout, "plain/body.mjml": page})
    [(file, line)] = set(places(only_page, "only_page"))
    assert file == "ja/_base/layout.mjml"
    assert layout.split("\n")[line - 1].endswith(sections)


def test_both_forms_name_the_same_amounts() -> None:
    words = WORDS.replace('["合計", total | yen]', '["合計", _sum]')
    words += "{% set _x = 1 %}\n"
    words = words.replace(_LEAD, f'{{% set _sum = "1,000円" %}}\n{_LEAD}')
    text = notice().files["_base/layout.txt"] + "\n1,500円\n"
    folder = notice({"plain/words.txt": words, "_base/layout.txt": text})
    assert {dict(one.about)["what"] for one in by_rule(folder, "only_text")} == {"1,500円"}


def test_a_fact_without_a_sample() -> None:
    [found] = by_rule(notice(cause=None), "no_sample")
    assert (found.file, found.severity) == ("ja/plain/sample.json", Severity.WARNING)
    assert (
        notice(cause=None).files["plain/sample.json"].split("\n")[found.line - 1] == '  "first": {'
    )


def test_what_breaks_only_without_an_optional_fact_is_found() -> None:
    words = WORDS.replace("{% if cause %}", "{% if true %}").replace(
        '"text": cause', '"text": cause[0:9]'
    )
    found = by_rule(notice({"plain/words.txt": words}), "not_written")
    assert {dict(one.about)["without"] for one in found} == {"cause"}


def test_wave_dashes_of_two_kinds() -> None:
    words = WORDS + '{% set closing = "9時〜17時、10時〜12時、13時～15時です。" %}\n'
    [found] = by_rule(notice({"plain/words.txt": words}), "mixed_dashes")
    assert (found.file, found.line) == ("ja/plain/words.txt", words.count("\n"))
    assert "U+FF5E" in found.message("ja")


def test_a_data_leak_lists_five_items() -> None:
    manifest = MANIFEST.replace('["first"]', '["data_leak"]')
    sample = json.dumps({"steps": {"data_leak": FACTS}}, ensure_ascii=False)
    folder = notice({"plain/notice.toml": manifest, "plain/sample.json": sample})
    found = by_rule(folder, "legal_unlisted")
    assert sorted(dict(one.about)["item"] for one in found) == sorted(
        ["概要", "項目", "原因", "二次被害", "参考"]
    )


def test_a_listed_item_that_is_there_is_fine() -> None:
    folder, _ = with_line("notice.toml", _legal("原因", "cause"))
    words = WORDS.replace("{% if cause %}", "{% if true %}").replace(
        '"text": cause', '"text": cause or "-"'
    )
    fixed = notice(
        {"plain/notice.toml": folder.files["plain/notice.toml"], "plain/words.txt": words}
    )
    assert not [one for one in lint(fixed) if one.rule.startswith("legal")]
    # Without the optional fact the section is not there.
    assert {one.rule for one in lint(folder)} == {"legal_no_section"}


#: What a message of 16 July may say of a day, and what not.
TENSES = [
    ("told_as_to_come", "2025年7月15日（火）に、カード会社へ手続きします。"),
    ("told_as_to_come", "期限は2025年7月15日（火）です。"),
    ("told_as_to_come", "2025年7月15日（火）までに、ログインページでお手続きをお願いいたします。"),
    ("told_as_to_come", "7月1日にお返しした後、7月15日にご案内いたします。"),
    ("told_as_to_come", "2024年12月31日に満期となります。"),
    ("told_as_done", "2025年7月17日（木）にご請求いたしましたが、8月1日にご案内いたします。"),
    ("told_as_done", "3月5日にご請求した後、8月20日にお返しいたしました。"),
    ("", "2025年7月15日（火）にご請求した保険料等を、7月17日にお返しいたします。"),
    ("", "2025年7月16日（水）にお返しいたします。"),
    ("", "2025年7月16日（水）にお返しいたしました。"),
    ("", "2025年6月30日付の書面に続き、調査の結果をご報告いたします。"),
    ("", "期限の2025年7月15日（火）までに再登録を確認できませんでした。"),
    ("", "2025年2月30日にお返しいたします。"),  # no day of the calendar
]  # fmt: skip


def judged(rule: Callable[[Proofs], Iterator[Finding]], words: Mapping[str, Any]) -> list[Finding]:
    """What a rule finds in a mail that holds these words and nothing else."""
    proofs = Proofs(PLAIN_NOTICE)
    mail = next(one for one in proofs.proofs if one.channel == "email")
    proofs.proofs = [replace(mail, subject="", text="", html="", words=words)]
    return list(rule(proofs))


@pytest.mark.parametrize(("rule", "text"), TENSES)
def test_verbs_agree_with_the_calendar(rule: str, text: str) -> None:
    found = judged(tense.tenses, {"closing": text})
    assert [one.rule for one in found] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("day", "verb", "rule"),
    [
        ("2025年7月15日（火）", "いたします", "told_as_to_come"),
        ("2025年7月15日（火）", "いたしました", ""),
        ("2025年7月17日（木）", "いたしました", "told_as_done"),
        ("2025年7月17日（木）", "いたします", ""),
        ("2025年7月16日（水）", "いたします", ""),
    ],
)
def test_what_is_given_back_as_below_agrees_with_the_table(day: str, verb: str, rule: str) -> None:
    rows = [["お返しの時期", f"{day}に手続き"], ["口座連絡の期限", "2025年7月20日"]]
    words = {
        "lead": f"200円は、下記のとおりお返し{verb}。",
        "sections": [{"title": "内容", "rows": rows}],
    }
    found = judged(tense.tenses, words)
    assert [one.rule for one in found] == ([rule] if rule else [])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("足りる場合は、再登録は\n必要ありません。", "期限までに必ず再登録をお願いいたします。"),
        ("お客様のお手続きは必要ありません。", "期限までに口座をお知らせください。"),
        ("お振込先の口座が分からないため", "ご登録の口座にお振り込みします。"),
        ("次回のご請求額からの差引き", "お届けいただいている口座にお振り込みします。"),
        ("誤った金額の決済は行われておりません。", "200円多くご請求していたことが分かりました。"),
    ],
)
def test_a_message_does_not_contradict_itself(one: str, other: str) -> None:
    rule = statements.contradictions
    assert not judged(rule, {"lead": one})
    assert not judged(rule, {"lead": other})
    assert judged(rule, {"lead": one, "closing": other})


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("金融機関名、支店名、口座番号を、このメールへの返信でお知らせください。", True),
        ("暗証番号をご返信ください。", True),
        ("お知らせいただきたいのは、金融機関名、支店名、口座番号です。", True),
        ("口座番号は、メールに書かないでください。", False),
        ("お電話やメールで、カード番号や暗証番号をお尋ねすることはありません。", False),
        ("書面で口座をお知らせください。口座番号は、メールに書かないでください。", False),
    ],
)
def test_no_number_is_asked_for_by_mail(text: str, asked: bool) -> None:
    assert bool(judged(statements.asked_by_mail, {"closing": text})) == asked


def test_every_finding_has_words_in_both_languages() -> None:
    for rule, file, line, before in WRONG:
        for one in by_rule(with_line(file, line, before=before)[0], rule):
            for language in ("ja", "en"):
                said = one.message(language)
                assert not said.startswith("lint.")
                assert "{" not in said.replace(line, "")
