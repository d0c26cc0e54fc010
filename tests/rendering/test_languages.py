"""A second language needs its folder of templates, and its labels where it shows any."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from notifier.model.correspondence import Correspondence
from notifier.rendering.folder import of_files, read_folders
from notifier.rendering.lint import lint
from notifier.rendering.pdf.reader import Pages
from notifier.rendering.text.forms import forms_of
from notifier.rendering.writer import Writer
from tests.rendering.pages import parsed

#: A language that nobody speaks: what Babel does not know is written like English.
_TOY = "xx"
_DAY = date(2025, 8, 14)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory, templates: Path) -> Writer:
    """The program's own templates, and one notice in the toy language."""
    folder = tmp_path_factory.mktemp("toy")
    shutil.copytree(templates / "ja", folder / "templates" / "ja")
    shutil.copytree(templates / "ja" / "_base", folder / "templates" / _TOY / "_base")
    notice = folder / "templates" / _TOY / "refund"
    shutil.copytree(templates / "ja" / "refund", notice)
    (notice / "subject.txt").write_text("{{ reason | label('why') }}: {{ amount | yen }}\n")
    (notice / "body.txt").write_text("By {{ issued_on | date }} ({{ issued_on | plain_date }}).\n")
    catalogue = folder / "locales" / _TOY / "LC_MESSAGES" / "notifier.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text(
        'msgid ""\nmsgstr "Language: en\\n"\n\nmsgid "why.overcharge"\nmsgstr "Too much"\n'
    )
    return Writer(folder / "templates", folder / "locales")


@pytest.fixture
def message(toy: Writer) -> Correspondence:
    sample = toy.sample("refund", "decided", _TOY)
    return replace(sample, facts={**sample.facts, "reason": "overcharge", "amount": 3430})


def test_mail_speaks_the_language_of_its_message(toy: Writer, message: Correspondence) -> None:
    mail = toy.mail(message, token="t1", message_id="<1@mail.example.jp>")
    assert mail.subject == "Too much: ¥3,430"
    assert parsed(mail.data)["Content-Language"] == _TOY
    forms = forms_of("en")
    assert mail.text.strip() == (
        f"By {forms.long_date(message.written_at.date())}"
        f" ({forms.plain_date(message.written_at.date())})."
    )


def test_prepared_mails_speak_it_too(toy: Writer, message: Correspondence) -> None:
    subjects = [
        toy.mail(
            replace(message, facts={**message.facts, "amount": 1000 + n}),
            token=f"t{n}",
            message_id=f"<{n}@mail.example.jp>",
        ).subject
        for n in range(6)
    ]
    assert subjects == [f"Too much: ¥{1000 + n:,}" for n in range(6)]


def test_letter_bears_its_date(toy: Writer, message: Correspondence) -> None:
    pages = Pages(toy.letter(message).pdf)
    drawn = "".join("".join(pages.lines(place)) for place in range(len(pages))).replace(" ", "")
    day = forms_of("en").plain_date(message.written_at.date()).replace(" ", "")
    assert day in drawn
    assert "¥3,430" in drawn


def test_who_has_no_notice_in_a_language_is_written_to_in_japanese(toy: Writer) -> None:
    sample = replace(toy.sample("renewal", "before_30"), language=_TOY)
    mail = toy.mail(sample, token="t9", message_id="<9@mail.example.jp>")
    assert parsed(mail.data)["Content-Language"] == "ja"


def test_rules_of_japanese_wording_hold_for_japanese_only(templates: Path) -> None:
    files = dict(read_folders(templates)["ja", "refund"].files)
    files["refund/body.txt"] += "⽥\n"  # a radical that looks like 田
    found = {
        language: {f.rule for f in lint(of_files(language, "refund", files))}
        for language in ("ja", _TOY)
    }
    assert "odd_character" in found["ja"]
    assert "odd_character" not in found[_TOY]
    files["refund/body.txt"] += "{{ nobody }}\n"
    assert "unknown_field" in {f.rule for f in lint(of_files(_TOY, "refund", files))}


@pytest.mark.parametrize(
    ("language", "yen", "long_date", "plain_date"),
    [
        ("ja", "3,430円", "2025年8月14日（木）", "2025年8月14日"),
        ("en", "¥3,430", "Thursday, August 14, 2025", "August 14, 2025"),
        ("de", "3.430\xa0¥", "Donnerstag, 14. August 2025", "14. August 2025"),
        (_TOY, "¥3,430", "Thursday, August 14, 2025", "August 14, 2025"),
    ],
)
def test_forms(language: str, yen: str, long_date: str, plain_date: str) -> None:
    forms = forms_of(language)
    assert forms.yen(3430) == yen
    assert forms.long_date(_DAY) == long_date
    assert forms.plain_date(_DAY) == plain_date


@pytest.mark.parametrize("language", ["ja", "en"])
def test_an_amount_is_a_whole_number(language: str) -> None:
    with pytest.raises(ValueError, match="whole number"):
        forms_of(language).yen(True)
