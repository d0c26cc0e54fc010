"""The letter: PDF/A, fonts inside, the address in its window, no character lost."""

import io
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.member import PostalAddress
from notifier.rendering.errors import WriteError
from notifier.rendering.writer import Writer
from tests.rendering.pages import HOSTILE, NAMES

MM = 72 / 25.4
A4 = (210 * MM, 297 * MM)


@pytest.fixture
def sample(writer: Writer) -> Correspondence:
    return writer.sample("card_error", "first")


def _to(c: Correspondence, name: str = "", address: PostalAddress | None = None) -> Correspondence:
    old = c.recipient
    recipient = Recipient(
        name=name or old.name,
        honorific=old.honorific,
        member_no=old.member_no,
        email=old.email,
        address=address or old.address,
    )
    return replace(c, recipient=recipient)


def _text(pdf: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def test_pages_are_a4_and_counted(writer: Writer) -> None:
    for notice in writer.notices.values():
        for step in notice.steps if "letter" in notice.channels else ():
            letter = writer.letter(writer.sample(notice.name, step))
            reader = PdfReader(io.BytesIO(letter.pdf))
            assert letter.pages == len(reader.pages) <= 2
            for page in reader.pages:
                assert float(page.mediabox.width) == pytest.approx(A4[0], abs=0.1)
                assert float(page.mediabox.height) == pytest.approx(A4[1], abs=0.1)


def test_pdf_a_tagged_and_described(writer: Writer, sample: Correspondence) -> None:
    reader = PdfReader(io.BytesIO(writer.letter(sample).pdf))
    catalogue: Any = reader.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] in ("ja", "ja-JP")
    assert reader.metadata is not None
    assert reader.metadata.title == "クレジットカードの再登録のお願い"
    xmp = catalogue["/Metadata"].get_data()
    assert b"pdfaid:part>2<" in xmp
    assert b"pdfaid:conformance>B<" in xmp


def test_fonts_are_embedded_and_the_file_is_sound(
    writer: Writer, sample: Correspondence, tmp_path: Path
) -> None:
    path = tmp_path / "letter.pdf"
    path.write_bytes(writer.letter(sample).pdf)
    fonts = subprocess.run(["pdffonts", path], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in fonts.splitlines()[2:]]
    assert len(rows) == 2
    assert all("NotoSansCJKjp" in row[0] and row[-5:-2] == ["yes", "yes", "yes"] for row in rows)
    subprocess.run(["qpdf", "--check", path], check=True, capture_output=True)


def test_the_same_letter_is_the_same_bytes(writer: Writer, sample: Correspondence) -> None:
    assert writer.letter(sample).pdf == writer.letter(sample).pdf


def test_threads(writer: Writer, sample: Correspondence) -> None:
    letters = [_to(sample, name=f"見本 {n}") for n in range(12)]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(writer.letter, letters))
    assert [m.pdf for m in made] == [writer.letter(c).pdf for c in letters]


def test_the_address_stands_in_the_window(writer: Writer, sample: Correspondence) -> None:
    """All of the addressee, and nothing else, in 90 × 45 mm at 22/12 mm."""
    page = PdfReader(io.BytesIO(writer.letter(sample).pdf)).pages[0]
    inside: list[str] = []

    def visit(text: str, cm: list[float], tm: list[float], _font: object, _size: float) -> None:
        x, y = tm[4] * cm[0] + cm[4], tm[5] * cm[3] + cm[5]
        if 22 * MM <= x <= 112 * MM and A4[1] - 57 * MM <= y <= A4[1] - 12 * MM:
            inside.append(text)

    page.extract_text(visitor_text=visit)
    assert sample.recipient.address is not None
    parts = ["〒100-0001", *sample.recipient.address.lines, sample.recipient.name, "様"]
    assert _squeezed("".join(inside)) == _squeezed("".join(parts))


@pytest.mark.parametrize("name", [*NAMES, *HOSTILE])
def test_every_name_is_printed_as_it_is(writer: Writer, sample: Correspondence, name: str) -> None:
    letter = writer.letter(_to(sample, name=name))
    plain = writer.letter(sample)
    assert letter.pages == plain.pages
    # 〜 and ～ are one glyph in the font, so that reading the file back cannot tell them apart.
    assert _squeezed(name).replace("～", "〜") in _squeezed(_text(letter.pdf)).replace("～", "〜")


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(st.sampled_from("#$*_`<>@/\\[](){}=\"~-+.,:;!?&%|^'aあ1 "), min_size=1, max_size=30))
def test_typst_reads_no_markup_in_a_name(writer: Writer, name: str) -> None:
    if not name.strip() or "://" in name:
        return
    sample = writer.sample("refund", "decided")
    assert _squeezed(name) in _squeezed(_text(writer.letter(_to(sample, name=name)).pdf))


@pytest.mark.parametrize("character", ["😀", "ꙮ", "\ue000", "𓀀"])
def test_a_missing_glyph_is_never_printed_as_a_box(
    writer: Writer, sample: Correspondence, character: str
) -> None:
    c = _to(sample, name=f"見本{character}")
    for write in (writer.letter, writer.letter_png):
        with pytest.raises(WriteError) as caught:
            write(c)
        assert character not in str(caught.value)


def test_a_letter_needs_an_address(writer: Writer, sample: Correspondence) -> None:
    nowhere = replace(sample, recipient=replace(sample.recipient, address=None))
    with pytest.raises(WriteError) as caught:
        writer.letter(nowhere)
    assert caught.value.field == "recipient.address"


def test_a_bad_postcode(writer: Writer, sample: Correspondence) -> None:
    assert sample.recipient.address is not None
    with pytest.raises(WriteError, match="postcode"):
        writer.letter(_to(sample, address=replace(sample.recipient.address, postcode="12")))


def test_a_long_address_is_set_smaller(writer: Writer, sample: Correspondence) -> None:
    address = PostalAddress(
        postcode="6048005",
        prefecture="京都府",
        city="京都市中京区",
        street="恵比須町" + "見本通三条上る" * 6 + "999番地の99",
        building="見本ハイツ" * 8 + "一号館 1234号室",
    )
    letter = writer.letter(_to(sample, name="見本 " + "寿限無" * 8, address=address))
    assert _squeezed(address.building) in _squeezed(_text(letter.pdf))


def test_an_address_that_cannot_fit_holds_the_letter(
    writer: Writer, sample: Correspondence
) -> None:
    assert sample.recipient.address is not None
    with pytest.raises(WriteError) as caught:
        writer.letter(_to(sample, address=replace(sample.recipient.address, street="長" * 400)))
    assert caught.value.field == "recipient.address"


def test_pictures(writer: Writer, sample: Correspondence) -> None:
    pictures = writer.letter_png(sample)
    assert len(pictures) == writer.letter(sample).pages
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


def test_a_report_names_office_and_organisation_in_the_window(writer: Writer) -> None:
    c = writer.sample("incident_report", "report")
    assert c.recipient.address is not None
    pages = PdfReader(io.BytesIO(writer.letter(c).pdf)).pages
    first = _squeezed(pages[0].extract_text())
    order = [*c.recipient.address.lines, c.recipient.organisation, c.recipient.role]
    places = [first.index(_squeezed(text)) for text in (*order, f"{c.recipient.name} 様")]
    assert places == sorted(places)
    assert first.index("記") < first.index("以上")


def test_an_annex_has_a_page_of_its_own(writer: Writer) -> None:
    c = writer.sample("incident_report", "report")
    *letter, annex = (p.extract_text() for p in PdfReader(io.BytesIO(writer.letter(c).pdf)).pages)
    assert _squeezed(annex).startswith("別紙経緯日時内容")
    for row in c.facts["chronology"]:
        assert _squeezed(row["event"]) in _squeezed(annex)
        assert row["event"] not in "".join(letter)


def test_a_long_chronology_goes_on_over_pages(writer: Writer) -> None:
    c = writer.sample("incident_report", "report")
    rows = [{"at": f"{n}日目", "event": f"できごと{n}です"} for n in range(90)]
    text = _squeezed(_text(writer.letter(replace(c, facts={**c.facts, "chronology": rows})).pdf))
    assert all(f"できごと{n}です" in text for n in range(90))
    assert text.count("日時内容") >= 2  # the head of the table stands on every page
