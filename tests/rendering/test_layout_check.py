"""Finished pages: nothing where the press cannot print, nothing but the address in the window."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.model.states import Channel
from notifier.printing.binding import bind
from notifier.rendering.errors import LetterError, PiecesRefused, WriteError
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.pdf.layout_check import check_pages
from notifier.rendering.pdf.reader import Pages
from notifier.rendering.stationery import ENVELOPES, Stationery
from notifier.rendering.writer import Writer
from tests.rendering.sheets import MM, Box, strokes, words
from tests.samples import WRITER

FACE = typeface(Stationery())
LETTERS = [
    c
    for notice in WRITER.notices.values()
    if Channel.LETTER in notice.channels
    for step in notice.steps
    for c in WRITER.samples(notice.name, step).values()
]
#: Typst that stands before a letter, and why the letter must not go.
SPOILT = [
    ("#place(dx: -22mm)[外]", Reason.OUTSIDE_PRINTABLE_AREA),
    ("#place(dx: 150mm)[右の端にかかる行です]", Reason.OUTSIDE_PRINTABLE_AREA),
    ("#place(bottom, dy: 14mm)[下]", Reason.OUTSIDE_PRINTABLE_AREA),
    ("#place(dx: 178mm, rotate(45deg, line(length: 12mm)))", Reason.OUTSIDE_PRINTABLE_AREA),
    ("#place(dx: 140mm, rect(width: 50mm, radius: 2mm))", Reason.OUTSIDE_PRINTABLE_AREA),
    ("#at(40mm, 20mm)[親展]", Reason.WINDOW_NOT_CLEAR),  # inside of the window
    ("#at(100mm, 40mm)[親展]", Reason.WINDOW_NOT_CLEAR),  # over its edge
    ("#at(115mm, 40mm, line(length: 9mm))", Reason.WINDOW_NOT_CLEAR),  # when the sheet slips
    ("#at(40mm, 20mm, line(length: 9mm))", Reason.WINDOW_NOT_CLEAR),
    ("#at(60mm, 30mm, rect(width: 9mm, fill: gray))", Reason.WINDOW_NOT_CLEAR),
]
FINE = (
    "#place(dy: 100mm, rotate(-20deg, text(32pt, fill: gray)[写]))",
    "#place(dy: 90mm, block(clip: true, width: 20mm, height: 9mm, circle(radius: 8mm, fill: red)))",
    "#place(dy: 120mm)[#underline[下線]#strike[取消]#text(stroke: 0.2pt)[袋文字]]",
    "#place(dy: 9cm, polygon(fill: gradient.linear(red, blue), (0mm, 0mm), (9mm, 3mm)))",
)


@pytest.fixture(scope="module")
def redrawn(templates: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Writer]:
    """A writer of letters with something more on them."""

    def make(source: str) -> Writer:
        copy = tmp_path_factory.mktemp("drawn") / "templates"
        shutil.copytree(templates, copy)
        letter = copy / "ja" / "refund" / "letter.typ"
        letter.write_text(f"{source}\n{letter.read_text()}")
        return Writer(copy)

    return make


@pytest.mark.parametrize("name", sorted(ENVELOPES))
def test_letters_keep_to_their_places(templates: Path, name: str) -> None:
    bulk = Writer(templates, stationery=Stationery(envelope=name)).letters(LETTERS)
    pages, at = Pages(bulk.pdf), 0
    for c, count in zip(LETTERS, bulk.pages, strict=True):
        drawn = [pages.drawn(at + n) for n in range(count)]
        check_pages(drawn, c, ENVELOPES[name], margin=5)
        at += count


@pytest.mark.parametrize(("source", "reason"), SPOILT)
def test_what_stands_in_a_wrong_place_holds_a_letter(
    redrawn: Callable[[str], Writer], sample_refund: Correspondence, source: str, reason: Reason
) -> None:
    with pytest.raises(LetterError) as caught:
        redrawn(source).letter(sample_refund)
    assert caught.value.reason is reason
    assert caught.value.detail.startswith("1: ")


@pytest.mark.parametrize("source", FINE)
def test_what_a_template_may_draw_is_understood(
    redrawn: Callable[[str], Writer], sample_refund: Correspondence, source: str
) -> None:
    assert redrawn(source).letter(sample_refund).pages == 1


def test_a_picture_which_nobody_can_look_at_does_not_go(
    redrawn: Callable[[str], Writer], sample_refund: Correspondence
) -> None:
    writer = redrawn("#place(dy: 90mm, image(bytes((137, 80, 78, 71)), width: 9mm))")
    with pytest.raises(WriteError, match="uses image, which is not allowed"):
        writer.letter(sample_refund)
    with pytest.raises(PiecesRefused) as caught:
        bind(writer, [sample_refund])
    assert list(caught.value.faults) == [0]


def test_one_letter_in_a_wrong_place_does_not_hold_the_others(
    redrawn: Callable[[str], Writer], sample_refund: Correspondence
) -> None:
    marked = '#if data.number == "M000000002" { at(40mm, 20mm)[親展] }'
    many = [replace(sample_refund, number=f"M00000000{n}") for n in (1, 2, 3)]
    with pytest.raises(PiecesRefused) as caught:
        bind(redrawn(marked), many)
    (place,), (fault,) = caught.value.faults.keys(), caught.value.faults.values()
    assert place == 1
    assert isinstance(fault, LetterError)
    assert (fault.reason, fault.detail) == (Reason.WINDOW_NOT_CLEAR, "1: 40/19 mm")


def test_ink_that_hangs_into_the_blank_of_the_barcode_holds_a_letter(
    sample_refund: Correspondence,
) -> None:
    to = replace(sample_refund.recipient, name="Nguyễn", honorific="")
    c = replace(sample_refund, recipient=to)
    pages = Pages(WRITER.letters([c]).pdf)
    check_pages([pages.drawn(0)], c, ENVELOPES["naga3"], 5)
    with pytest.raises(LetterError) as caught:
        check_pages([pages.drawn(0)], c, ENVELOPES["naga3"], 5, descent=0.35)
    assert caught.value.reason is Reason.WINDOW_NOT_CLEAR


def test_boxes_are_where_other_readers_find_them() -> None:
    pdf = WRITER.letters(LETTERS).pdf
    ours = Pages(pdf)
    for n, page in enumerate(words(pdf)):
        drawn = [d for d in ours.drawn(n) if d.text.strip()]
        boxes = [Box(d.left * MM, d.top * MM, d.right * MM, d.bottom * MM) for d in drawn]
        for word in page:
            middle = (word.top + word.bottom) / 2
            lines = [b for b in boxes if b.top - 0.5 <= middle <= b.bottom + 0.5]
            assert any(b.left - 0.1 <= word.left <= b.right for b in lines)
            assert any(b.left <= word.right <= b.right + 0.1 for b in lines)
        assert min(b.left for b in boxes) == pytest.approx(min(w.left for w in page), abs=0.1)
    bars = [d for d in ours.drawn(0) if not d.text and d.top < 60 / MM and d.left > 20 / MM]
    theirs = strokes(pdf)
    assert len(bars) == 1
    assert bars[0].left * MM == pytest.approx(theirs[0].left, abs=0.01)
    assert bars[0].right * MM == pytest.approx(theirs[-1].right, abs=0.01)


_PRINTABLE = st.sampled_from(
    [c for c in map(chr, range(0x20, 0x30000)) if c.isprintable() and FACE.lacks(c) is None]
)
_ODD = st.sampled_from(["葛󠄀", "辻󠄀", "か゚", "が", "髙", "⻄", "西", "⽥", "〜", "～", "海", "海󠄀"])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.lists(_PRINTABLE | _ODD, min_size=1, max_size=12), min_size=15, max_size=15))
def test_no_name_is_held_wrongly(names: list[list[str]]) -> None:
    sample = WRITER.sample("refund", "decided")
    made = []
    for name in names:
        c = replace(sample, recipient=replace(sample.recipient, name="".join(name)))
        try:
            WRITER.check_letter(c)
        except WriteError:
            continue
        made.append(c)
    if not made:
        return
    bulk = WRITER.letters(made)
    pages = Pages(bulk.pdf)
    for n, c in enumerate(made):
        check_pages([pages.drawn(n)], c, ENVELOPES["naga3"], margin=5)
