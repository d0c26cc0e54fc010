"""Every notice in every step and channel: complete, equal in all forms, plain and polite."""

import io
import re
import shutil
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pypdf import PdfReader

from notifier.model.notice import FieldType, Lane, UncertainPolicy
from notifier.model.states import Channel
from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.manifest import read_notice
from notifier.rendering.writer import Writer
from tests.rendering.pages import Page, bare
from tests.samples import WRITER

STEPS = {
    "card_error": ["first"],
    "reregistration_deadline": ["before_7", "before_3", "before_1", "passed"],
    "apology": [
        "overcharge",
        "wrong_amount_displayed",
        "double_charge",
        "could_not_correct",
        "data_leak",
    ],
    "refund": ["decided", "completed"],
    "renewal": ["before_60", "before_30", "before_14"],
    "incident_report": ["report"],
    "staff_alert": ["open", "escalated"],
}
ALL = [(n, s) for n, steps in STEPS.items() for s in steps]
LETTERS = [(n, s) for n, s in ALL if n != "staff_alert"]
MEMBERS = [(n, s) for n, s in LETTERS if n != "incident_report"]
SAMPLES = [(n, s, v) for n, s in ALL for v in WRITER.samples(n, s)]


def _mail(writer: Writer, notice: str, step: str) -> tuple[str, str, Page]:
    made = writer.mail(writer.sample(notice, step), token="t", message_id="a@b.example.jp")
    return made.subject, made.text, Page(made.html)


def _letter(writer: Writer, notice: str, step: str) -> str:
    pdf = writer.letter(writer.sample(notice, step)).pdf
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_the_notices(writer: Writer) -> None:
    assert {n: list(notice.steps) for n, notice in writer.notices.items()} == STEPS
    assert writer.notices["apology"].uncertain is UncertainPolicy.ASK
    assert writer.notices["card_error"].uncertain is UncertainPolicy.RESEND
    assert writer.notices["card_error"].expires_after == timedelta(days=7)
    [charge, correction] = writer.notices["reregistration_deadline"].plans
    assert [s.days_before for s in charge.steps] == [7, 3, 1]
    assert (charge.over, correction.over) == ("passed", None)
    assert writer.notices["staff_alert"].lane is Lane.URGENT
    assert writer.notices["staff_alert"].channels == (Channel.EMAIL,)


@pytest.mark.parametrize(("notice", "step", "variant"), SAMPLES)
def test_text_and_page_say_the_same_in_the_same_order(notice: str, step: str, variant: str) -> None:
    made = WRITER.mail(
        WRITER.samples(notice, step)[variant], token="t", message_id="a@b.example.jp"
    )
    body = made.html[made.html.index("<h1") :]  # above it: the sender, as in From and Subject
    page = Page(re.sub("<th scope=col.*?</th>|</?nobr>|<wbr>", "", body))
    assert spoken(page.text) == spoken(_without_marks(made.text))


def _without_marks(text: str) -> str:
    """Plain text without what it draws in place of frames, tables and bullets.

    It names the columns in every row, the page names them once.
    """
    text = re.sub(r"^(?:[■・●○▼]\s?|―+$)", "", text, flags=re.MULTILINE)
    text = re.sub(r"^(.+)：(.+) ([\d,]+円) → (.+) ([\d,]+円)$", r"\1\3\5", text, flags=re.MULTILINE)
    return re.sub(r"【(.+?)】(?=\S+$)", r"\1", text, flags=re.MULTILINE)


def spoken(text: str) -> str:
    """What is said, without spaces and without the colons between labels and values."""
    return re.sub(r"[\s：（）]", "", text)


@pytest.mark.parametrize(("notice", "step"), LETTERS)
def test_the_letter_says_what_the_mail_says(writer: Writer, notice: str, step: str) -> None:
    _, text, _ = _mail(writer, notice, step)
    letter = bare(_letter(writer, notice, step))
    amounts_and_dates = set(re.findall(r"[\d,]+円|\d{4}年\d+月\d+日（.）", text))
    assert not [value for value in amounts_and_dates if value not in letter]
    titles = re.findall(r"^■ (.+)$", text, re.MULTILINE)
    assert not [title for title in titles if bare(title) not in letter]


@pytest.mark.parametrize(("notice", "step"), ALL)
def test_nothing_of_the_machinery_shows(writer: Writer, notice: str, step: str) -> None:
    subject, text, page = _mail(writer, notice, step)
    for shown in (subject, text, page.text):
        assert not re.search(r"None|\{\{|\{%|\}\}|Undefined|\bTrue\b|\[\]", shown)
        assert "\n\n\n\n" not in shown
    assert page.tags.count("h1") == 1
    assert "script" not in page.tags
    assert "img" not in page.tags


@pytest.mark.parametrize(("notice", "step"), MEMBERS)
def test_whom_and_what_every_member_finds(writer: Writer, notice: str, step: str) -> None:
    c = writer.sample(notice, step)
    subject, text, _ = _mail(writer, notice, step)
    letter = _letter(writer, notice, step)
    assert subject.startswith(f"【{c.scheme_name}】")
    for shown in (bare(text), bare(letter)):
        for needed in (
            f"{c.recipient.name}様",
            c.brand.association,
            c.brand.insurer,
            c.brand.agency.name,
            c.brand.agency.phone,
            c.brand.agency.hours,
            c.brand.desk.name,
            c.brand.desk.phone,
            "お心当たりのない場合",
            c.number,
        ):
            assert bare(needed) in shown
    assert "送信専用" in text


@pytest.mark.parametrize(("notice", "step"), [p for p in MEMBERS if p[1] != "data_leak"])
def test_the_members_numbers(writer: Writer, notice: str, step: str) -> None:
    c = writer.sample(notice, step)
    for shown in (_mail(writer, notice, step)[1], _letter(writer, notice, step)):
        for number in (c.group_no, *c.policies, c.recipient.member_no):
            assert number in shown


@pytest.mark.parametrize("category", ["expiry", "limit", "card_data"])
def test_the_members_own_category_is_marked(writer: Writer, category: str) -> None:
    c = writer.sample("card_error", "first")
    c = replace(c, facts={**c.facts, "category": category})
    text = writer.mail(c, token="t", message_id="a@b.jp").text
    title = {"expiry": "有効期限エラー", "limit": "ご利用限度額", "card_data": "ご登録カード情報"}
    marked = re.findall(r"^● (.+)（今回のエラーです）$", text, re.MULTILINE)
    assert len(marked) == 1
    assert title[category] in marked[0]
    assert text.count("原因：") == text.count("対処：") == 3


@pytest.mark.parametrize("step", STEPS["staff_alert"])
def test_a_staff_alert_says_what_to_do(writer: Writer, step: str) -> None:
    facts = writer.sample("staff_alert", step).facts
    subject, text, page = _mail(writer, "staff_alert", step)
    assert f"{facts['title']}（{facts['count']:,}件）" in subject
    for needed in (facts["title"], facts["due"], facts["command"], *facts["lines"]):
        assert needed in text
        assert needed in page.text
    assert facts["kind"] not in text  # its label is


def test_ask_the_card_company(writer: Writer) -> None:
    c = writer.sample("card_error", "first")
    asked = replace(c, facts={**c.facts, "category": "card_data", "ask_card_company": True})
    words = "カード会社から知らされておりません"
    assert words in writer.mail(asked, token="t", message_id="a@b.jp").text
    assert words not in writer.mail(c, token="t", message_id="a@b.jp").text


def test_an_unknown_category_is_never_guessed(writer: Writer) -> None:
    c = writer.sample("card_error", "first")
    c = replace(c, facts={**c.facts, "category": "stolen"})
    with pytest.raises(WriteError, match="stolen"):
        writer.mail(c, token="t", message_id="a@b.jp")


def test_a_leak_letter_has_the_five_legal_items_in_order(writer: Writer) -> None:
    letter = bare(_letter(writer, "apology", "data_leak"))
    items = [
        "1.概要",
        "2.漏えいした",
        "3.原因",
        "4.二次被害又はそのおそれ",
        "5.その他参考となる事項",
    ]
    places = [letter.index(item) for item in items]
    assert places == sorted(places)


@pytest.mark.parametrize("step", STEPS["apology"])
def test_an_apology_is_formal(writer: Writer, step: str) -> None:
    letter = bare(_letter(writer, "apology", step))
    order = [letter.index(word) for word in ("謹啓", "お詫び申し上げます", "謹白", "記", "以上")]
    assert order == sorted(order) or letter.index("以上") > letter.index("謹白")
    assert "前略" not in letter
    assert not re.search("候|の折|盛夏|猛暑|残暑|新緑|立秋", letter)


@pytest.mark.parametrize(
    "remedy", ["card_credit", "bank_transfer", "next_charge", "account_needed"]
)
@pytest.mark.parametrize("day", ["2025-07-25", None])
def test_every_way_of_giving_back(writer: Writer, remedy: str, day: str | None) -> None:
    for notice, step, names in (
        ("apology", "overcharge", ("remedy", "remedy_on")),
        ("apology", "double_charge", ("remedy", "remedy_on")),
        ("refund", "decided", ("method", "pay_on")),
    ):
        c = writer.sample(notice, step)
        c = replace(c, facts={**c.facts, names[0]: remedy, names[1]: day})
        text = writer.mail(c, token="t", message_id="a@b.jp").text
        assert ("お手続きは必要ありません" in text) == (remedy != "account_needed")
        assert ("口座をお知らせください" in text) == (remedy == "account_needed")


@pytest.mark.parametrize(
    "method", ["card_credit", "bank_transfer", "next_charge", "account_needed"]
)
@pytest.mark.parametrize("reason", ["overcharge", "double_charge", "cancellation"])
def test_every_completed_refund(writer: Writer, method: str, reason: str) -> None:
    c = writer.sample("refund", "completed")
    c = replace(c, facts={**c.facts, "method": method, "reason": reason})
    text = writer.mail(c, token="t", message_id="a@b.jp").text
    assert ("お詫び" in text) == (reason != "cancellation")
    assert writer.letter(c).pages == 1


@pytest.mark.parametrize("gone", ["cause", "prevention", "deadline", "recharge_on", "remedy_on"])
def test_optional_facts_may_be_absent(writer: Writer, gone: str) -> None:
    for step in STEPS["apology"]:
        c = writer.sample("apology", step)
        fields = {f.name: f for f in writer.notices["apology"].fields_for(step)}
        if gone in fields and fields[gone].optional:
            c = replace(c, facts={k: v for k, v in c.facts.items() if k != gone})
            assert "None" not in writer.mail(c, token="t", message_id="a@b.jp").text
            assert writer.letter(c).pages in (1, 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"premium": None}, "premium"),
        ({"premium": "3,030"}, "premium"),
        ({"premium": -1}, "premium"),
        ({"premium": True}, "premium"),
        ({"deadline": "2025/08/14"}, "deadline"),
        ({"deadline": "2025-02-30"}, "deadline"),
        ({"ask_card_company": "yes"}, "ask_card_company"),
        ({"charge_id": 7}, "charge_id"),
        ({"charge_id": "a\x00b"}, "charge_id"),
    ],
)
def test_wrong_facts_are_named(writer: Writer, change: dict[str, object], field: str) -> None:
    c = writer.sample("card_error", "first")
    c = replace(c, facts={**c.facts, **change})
    for write in (lambda: writer.mail(c, token="t", message_id="a@b.jp"), lambda: writer.letter(c)):
        with pytest.raises(WriteError) as caught:
            write()
        assert caught.value.field == field


def test_facts_that_the_notice_does_not_declare_are_not_seen(writer: Writer) -> None:
    c = writer.sample("card_error", "first")
    more = replace(c, facts={**c.facts, "heading": "別の見出し", "brand": "x"})
    assert writer.letter(more).pdf == writer.letter(c).pdf


def test_the_date_of_issue_is_japans(writer: Writer) -> None:
    c = writer.sample("card_error", "first")
    c = replace(c, written_at=datetime(2025, 7, 15, 23, 30, tzinfo=UTC))
    assert "（2025年7月16日）" in writer.mail(c, token="t", message_id="a@b.jp").text


def test_unknown_notices_steps_and_channels(writer: Writer) -> None:
    c = writer.sample("staff_alert", "open")
    attempts: list[tuple[Callable[[], object], str]] = [
        (lambda: writer.letter(c), "channel"),
        (lambda: writer.mail(replace(c, step="x"), token="t", message_id="a@b.jp"), "step"),
        (lambda: writer.mail(replace(c, notice="x"), token="t", message_id="a@b.jp"), "notice"),
        (lambda: writer.sample("card_error", "x"), "step"),
    ]
    for attempt, field in attempts:
        with pytest.raises(WriteError) as caught:
            attempt()
        assert caught.value.field == field


def test_a_language_without_templates_falls_back_to_japanese(writer: Writer) -> None:
    c = replace(writer.sample("card_error", "first"), language="en")
    assert "様" in writer.mail(c, token="t", message_id="a@b.jp").text
    assert writer.version("card_error", "en") == writer.version("card_error", "ja")


def test_a_version_is_the_files(writer: Writer, templates: Path, tmp_path: Path) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    version = Writer(copy).version("card_error")
    assert version == writer.version("card_error")
    names = zipfile.ZipFile(io.BytesIO(version.content)).namelist()
    assert {"card_error/words.txt", "card_error/letter.typ", "_base/sheet.typ"} <= set(names)
    assert not [name for name in names if name.startswith("refund/")]
    words = copy / "ja" / "_base" / "words.txt"
    words.write_text(words.read_text() + "\n")
    changed = Writer(copy)
    assert changed.version("card_error").digest != version.digest
    assert changed.version("refund").digest != writer.version("refund").digest


BREAKS = [
    ("notice.toml", 'lane = "standard"', 'lane = "fast"', "lane"),
    ("notice.toml", 'expires_after = "7d"', 'expires_after = "soon"', "expires_after"),
    ("notice.toml", 'premium = "yen due"', 'premium = "money"', "fields.premium"),
    ("notice.toml", 'premium = "yen due"', 'premium = "yen owed"', "fields.premium"),
    ("notice.toml", 'category = "text"', 'category = "text due"', "fields.category"),
    ("notice.toml", 'uncertain = "resend"', 'unknown = "x"', "unknown"),
    ("notice.toml", "[fields]", 'unsubscribe = "yes"\n[fields]', "unsubscribe"),
    ("notice.toml", "[fields]", "attempts = 0\n[fields]", "attempts"),
    ("notice.toml", "[fields]", "attempts = '3'\n[fields]", "attempts"),
    ("notice.toml", "[fields]", "attempts = true\n[fields]", "attempts"),
    ("notice.toml", "[fields]", "[fields", ""),
    ("notice.toml", "[fields]", '[fields]\nbrand = "text?"', "fields.brand"),
    ("words.txt", "{% set heading", "{% sett heading", "line 1"),
    ("body.mjml", "<mj-include", "<mj-nothing /><mj-include", ""),
    ("body.mjml", "_base/layout.mjml", "_base/none.mjml", "_base/none.mjml"),
    ("sample.json", '"premium": 3030', '"premium": "3030"', "steps.first.premium"),
    ("sample.json", '"first"', '"second"', "steps.first"),
]


@pytest.mark.parametrize(("file", "before", "after", "key"), BREAKS)
def test_a_broken_file_is_named_at_the_start(
    templates: Path, tmp_path: Path, file: str, before: str, after: str, key: str
) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    path = copy / "ja" / "card_error" / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(BadTemplate) as caught:
        Writer(copy)
    assert caught.value.file == f"card_error/{file}"
    assert key in caught.value.key


def test_every_amount_has_a_role_that_the_guard_knows(writer: Writer) -> None:
    """What has none could be held against nothing, and would be on no record."""
    for notice in writer.notices.values():
        for step in notice.steps:
            specs = notice.fields_for(step)
            inner = [part for spec in specs for part in spec.parts]
            amounts = [s for s in (*specs, *inner) if s.type is FieldType.YEN]
            assert [s.name for s in amounts if s.role is None] == [], (notice.name, step)


def test_a_notice_may_limit_how_often_it_is_tried(templates: Path) -> None:
    source = (templates / "ja" / "card_error" / "notice.toml").read_text()
    assert read_notice("card_error", source).attempts is None
    limited = source.replace("[fields]", "attempts = 5\n[fields]", 1)
    assert read_notice("card_error", limited).attempts == 5


def test_a_missing_file_is_named_at_the_start(templates: Path, tmp_path: Path) -> None:
    copy = tmp_path / "templates"
    shutil.copytree(templates, copy)
    (copy / "ja" / "refund" / "letter.typ").unlink()
    with pytest.raises(BadTemplate, match=r"refund/letter\.typ"):
        Writer(copy)


def test_wording_is_plain_japanese(templates: Path) -> None:
    """No compatibility forms, no look-alikes, no characters outside of JIS X 0213 usage."""
    for path in templates.rglob("*.txt"):
        text = path.read_text()
        strange = {c for c in text if 0x2E80 <= ord(c) <= 0x2FDF or 0xF900 <= ord(c) <= 0xFAFF}
        assert not strange, path
        text.encode("cp932")
        assert unicodedata.is_normalized("NFC", text)
