"""Many letters in one document: each as if it were alone, and none lost for another's sake."""

import gc
import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.rendering.errors import LetterError, PiecesRefused, WriteError
from notifier.rendering.folder import read_folders
from notifier.rendering.stationery import Stationery
from notifier.rendering.writer import Writer
from tests.rendering.pages import NAMES
from tests.rendering.sheets import strokes, words


def _letters(writer: Writer, count: int) -> list[Correspondence]:
    """Letters of all notices in turn, each to another reader."""
    steps = [
        writer.sample(name, step)
        for name, notice in writer.notices.items()
        if "letter" in notice.channels
        for step in notice.steps
    ]
    return [_numbered(steps[n % len(steps)], n) for n in range(count)]


def _numbered(c: Correspondence, n: int) -> Correspondence:
    to = replace(c.recipient, name=f"{NAMES[n % len(NAMES)]} {n}", member_no=f"K{n:07d}")
    return replace(c, number=f"M{n:09d}", recipient=to)


def _texts(pdf: bytes) -> list[str]:
    return ["".join(word.text for word in page) for page in words(pdf)]


def _starts(pages: Sequence[int]) -> list[int]:
    return [sum(pages[:n]) for n in range(len(pages))]


@pytest.fixture(scope="module")
def many(writer: Writer) -> list[Correspondence]:
    return _letters(writer, 30)


def test_each_letter_is_as_if_it_were_alone(writer: Writer, many: list[Correspondence]) -> None:
    bulk = writer.letters(many)
    assert len(PdfReader(io.BytesIO(bulk.pdf)).pages) == sum(bulk.pages)
    shown = _texts(bulk.pdf)
    for c, start, pages in zip(many, _starts(bulk.pages), bulk.pages, strict=True):
        alone = writer.letter(c)
        assert alone.pages == pages
        assert shown[start : start + pages] == _texts(alone.pdf)
        assert strokes(bulk.pdf, start) == strokes(alone.pdf)


def test_pages_are_numbered_by_letter(writer: Writer, many: list[Correspondence]) -> None:
    bulk = writer.letters(many)
    assert {1, 2} <= set(bulk.pages)
    shown = _texts(bulk.pdf)
    for c, start, pages in zip(many, _starts(bulk.pages), bulk.pages, strict=True):
        feet = [shown[start + n].endswith(f"{n + 1}/{pages}") for n in range(pages)]
        assert feet == [pages > 1] * pages
        for later in shown[start + 1 : start + pages]:
            assert c.number in later
            assert "〒604" not in later


def test_a_long_letter_numbers_all_of_its_pages(
    writer: Writer, sample_leak: Correspondence
) -> None:
    long = replace(sample_leak, facts={**sample_leak.facts, "cause": "長い説明です。\n" * 120})
    short = _numbered(sample_leak, 1)
    for _ in range(2):  # at first its pages are not known, then they are
        bulk = writer.letters([short, long, short])
        count = bulk.pages[1]
        assert bulk.pages == (1, count, 1)
        assert count >= 3
        shown = _texts(bulk.pdf)
        assert [shown[n + 1].endswith(f"{n + 1}/{count}") for n in range(count)] == [True] * count
        assert not shown[0].endswith("1/1")


def test_one_document_is_pdf_a_tagged_and_sound(
    writer: Writer, many: list[Correspondence], tmp_path: Path
) -> None:
    path = tmp_path / "bulk.pdf"
    path.write_bytes(writer.letters(many).pdf)
    catalogue: Any = PdfReader(path).trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/Lang"] == "ja-JP"
    xmp = catalogue["/Metadata"].get_data()
    assert b"pdfaid:part>2<" in xmp
    assert b"pdfaid:conformance>B<" in xmp
    kinds = {entry.get_object().get("/S") for entry in _elements(catalogue["/StructTreeRoot"])}
    assert {"/H1", "/H2", "/P", "/Table", "/TH", "/TD"} <= kinds
    subprocess.run(["qpdf", "--check", path], check=True, capture_output=True)
    fonts = subprocess.run(["pdffonts", path], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in fonts.splitlines()[2:]]
    assert len(rows) == 2
    assert all(row[-5:-2] == ["yes", "yes", "yes"] for row in rows)


def _elements(node: Any) -> list[Any]:
    node = node.get_object()
    if not isinstance(node, dict):
        return []
    kids = node.get("/K", [])
    kids = kids if isinstance(kids, list) else [kids]
    return [node, *(element for kid in kids for element in _elements(kid))]


def test_the_same_letters_are_the_same_bytes(
    templates: Path, writer: Writer, many: list[Correspondence]
) -> None:
    once = writer.letters(many).pdf
    assert writer.letters(many).pdf == once
    assert Writer(templates).letters(many).pdf == once


def test_bad_letters_are_named_by_their_place_and_the_rest_can_go(
    writer: Writer, many: list[Correspondence]
) -> None:
    bad = list(many[:8])
    bad[2] = replace(bad[2], recipient=replace(bad[2].recipient, name="見本 😀"))
    bad[5] = replace(bad[5], recipient=replace(bad[5].recipient, address=None))
    with pytest.raises(PiecesRefused) as caught:
        writer.letters(bad)
    assert sorted(caught.value.faults) == [2, 5]
    glyph = caught.value.faults[2]
    assert isinstance(glyph, LetterError)
    assert glyph.reason is Reason.GLYPH_MISSING
    assert caught.value.faults[5].field == "recipient.address"
    rest = [c for n, c in enumerate(bad) if n not in caught.value.faults]
    assert len(writer.letters(rest).pages) == 6


def test_a_letter_of_too_many_pages_does_not_keep_the_others(
    templates: Path, many: list[Correspondence]
) -> None:
    writer = Writer(templates, stationery=Stationery(most_pages=1))
    pages = Writer(templates).letters(many).pages
    with pytest.raises(PiecesRefused) as caught:
        writer.letters(many)
    assert sorted(caught.value.faults) == [n for n, count in enumerate(pages) if count > 1]
    rest = [c for n, c in enumerate(many) if n not in caught.value.faults]
    assert writer.letters(rest).pages == (1,) * len(rest)


def test_nothing_and_too_many_are_refused(writer: Writer, many: list[Correspondence]) -> None:
    for bad in ([], [many[0]] * 1001):
        with pytest.raises(ValueError, match="1 to 1000"):
            writer.letters(bad)


def test_a_cleaner_of_temporary_files_does_no_harm(
    templates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writer = Writer(templates)
    letters = _letters(writer, 3)
    first = writer.letters(letters)
    [folder] = tmp_path.iterdir()
    shutil.rmtree(folder)
    assert writer.letters(letters) == first
    sources = sorted(folder.iterdir())
    sources[0].unlink()
    assert writer.letters(letters) == first
    assert sorted(folder.iterdir()) == sources
    del writer
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_a_template_without_a_title_is_refused(templates: Path, tmp_path: Path) -> None:
    copy = tmp_path / "templates"
    subprocess.run(["cp", "-r", templates, copy], check=True)
    (copy / "ja" / "refund" / "letter.typ").write_text("#head\n#preface\n#foot\n")
    writer = Writer(copy)
    with pytest.raises(WriteError, match="title"):
        writer.letter(writer.sample("refund", "decided"))


def _writer_beside(writer: Writer, folder: Path, templates: Path, notice: str) -> Writer:
    """A writer in which one notice is of a publication whose tools are other ones."""
    shutil.copytree(templates, folder)
    tools = folder / "ja" / "_base" / "tools.typ"
    text = tools.read_text()
    assert "#let margin = (left: 24mm," in text
    tools.write_text(text.replace("#let margin = (left: 24mm,", "#let margin = (left: 26mm,"))
    return writer.with_versions([writer.wording(read_folders(folder)["ja", notice])])


def test_letters_of_differing_tools_stand_in_one_document(
    writer: Writer, templates: Path, tmp_path: Path
) -> None:
    beside = _writer_beside(writer, tmp_path / "edited", templates, "refund")
    own = _numbered(writer.sample("card_error", "first"), 1)
    other = _numbered(writer.sample("refund", "decided"), 2)
    for many in ([own, other, own], [other, own]):
        bulk = beside.letters(many)
        shown = words(bulk.pdf)
        for c, start, pages in zip(many, _starts(bulk.pages), bulk.pages, strict=True):
            assert shown[start : start + pages] == words(beside.letter(c).pdf)
    assert words(beside.letter(other).pdf) != words(writer.letter(other).pdf)


def test_letters_of_two_languages_stand_in_one_document(
    writer: Writer, templates: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "both"
    shutil.copytree(templates, folder)
    shutil.copytree(templates / "ja", folder / "en")
    both = Writer(folder)
    own = _numbered(both.sample("refund", "decided"), 1)
    other = replace(_numbered(own, 2), language="en")
    bulk = both.letters([own, other])
    catalogue: Any = PdfReader(io.BytesIO(bulk.pdf)).trailer["/Root"]
    assert catalogue["/Lang"] == "ja-JP"
    spoken = {entry.get_object().get("/Lang") for entry in _elements(catalogue["/StructTreeRoot"])}
    assert "en" in spoken
