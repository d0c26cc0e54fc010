"""What the law wants a notice to say: declared, and said in every form."""

import io
from dataclasses import replace

import pytest
from pypdf import PdfReader

from notifier.model.notice import LegalItem
from notifier.rendering.errors import BadTemplate, WriteError
from notifier.rendering.manifest import read_notice
from tests.rendering.pages import Page, bare
from tests.samples import TEMPLATES, WRITER

ITEMS = [(n.name, item) for n in WRITER.notices.values() for item in n.legal]
SOURCE = (TEMPLATES / "ja" / "apology" / "notice.toml").read_text()


def test_the_five_items_of_a_leak() -> None:
    found = [item for name, item in ITEMS if name == "apology"]
    assert [item.step for item in found] == ["data_leak"] * 5
    assert [item.source.rpartition("項")[2] for item in found] == [
        f"{n}号" for n in (1, 2, 4, 5, 9)
    ]


@pytest.mark.parametrize(("notice", "item"), ITEMS, ids=lambda v: getattr(v, "section", v))
def test_each_stands_under_its_title_in_every_form(notice: str, item: LegalItem) -> None:
    c = WRITER.sample(notice, item.step)
    mail = WRITER.mail(c, token="t", message_id="a@b.example.jp")
    pdf = WRITER.letter(c).pdf
    letter = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)
    assert f"■ {item.section}\n" in mail.text
    said = [bare(form) for form in (mail.text, Page(mail.html).text, letter)]
    for form in said:
        assert bare(item.section) in form
        for field in item.fields:
            fact = c.facts[field]
            for value in fact if isinstance(fact, list) else [fact]:
                assert bare(value) in form or field.endswith("_on")


@pytest.mark.parametrize(("notice", "item"), ITEMS, ids=lambda v: getattr(v, "section", v))
def test_none_can_be_left_out(notice: str, item: LegalItem) -> None:
    c = WRITER.sample(notice, item.step)
    for field in item.fields:
        without = replace(c, facts={**c.facts, field: None})
        with pytest.raises(WriteError, match=field):
            WRITER.mail(without, token="t", message_id="a@b.example.jp")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('fields = ["cause"]', 'fields = ["causes"]'),
        ('fields = ["cause"]', "fields = [1]"),
        ('fields = ["cause"]', 'field = "cause"'),
        ('section = "原因"', 'section = ""'),
    ],
)
def test_a_wrong_item_is_named(before: str, after: str) -> None:
    assert before in SOURCE
    with pytest.raises(BadTemplate, match=r"legal\.items\.2"):
        read_notice("apology", SOURCE.replace(before, after, 1))
    with pytest.raises(BadTemplate, match=r"legal\.items\.0"):
        read_notice("apology", SOURCE.replace('step = "data_leak"', 'step = "leak"', 1))
