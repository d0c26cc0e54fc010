"""The address in its window, whatever the envelope is and however the sheet slips."""

from dataclasses import replace
from pathlib import Path

import pytest
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from hypothesis import given, settings
from hypothesis import strategies as st

from notifier.model.correspondence import Correspondence, Recipient
from notifier.model.member import PostalAddress
from notifier.postal.address import barcode_of
from notifier.rendering.errors import LetterError
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.letter.window import LARGER, fit
from notifier.rendering.stationery import ENVELOPES, QUIET, Envelope, Stationery, Style
from notifier.rendering.writer import Writer
from tests.rendering.sheets import DPI, MM, Box, dots, folds, strokes, words

FACE = typeface(Stationery())
LONG = PostalAddress(
    postcode="6048005",
    prefecture="京都府",
    city="京都市中京区",
    street="恵比須町見本通三条上る" + "見本通三条上る" * 3 + "999番地の99",
    building="見本ハイツ" * 5 + "一号館 1234号室",
)
#: From the middle of the bars: how far each kind reaches up and down, in parts of a long bar.
REACH = {"1": (0.5, 0.5), "2": (0.5, 1 / 6), "3": (1 / 6, 0.5), "4": (1 / 6, 1 / 6)}


@pytest.fixture(scope="module", params=sorted(ENVELOPES))
def envelope(request: pytest.FixtureRequest) -> Envelope:
    return ENVELOPES[request.param]


@pytest.fixture(scope="module")
def writing(templates: Path, envelope: Envelope) -> Writer:
    """A writer of letters for the envelope."""
    return Writer(templates, stationery=Stationery(envelope=envelope.name))


def _letter(writer: Writer, **recipient: object) -> tuple[bytes, Recipient]:
    sample = writer.sample("refund", "decided")
    to = replace(sample.recipient, **recipient)  # type: ignore[arg-type]
    return writer.letter(replace(sample, recipient=to)).pdf, to


@pytest.mark.parametrize("address", [None, LONG])
def test_only_the_address_shows_however_the_sheet_slips(
    writing: Writer, envelope: Envelope, address: PostalAddress | None
) -> None:
    pdf, to = _letter(writing, **({"address": address} if address else {}))
    e, shown = envelope, words(pdf)[0]
    inner = (
        e.left + e.slack_x,
        e.top + e.slack_y,
        e.left + e.width - e.slack_x,
        e.top + e.height - e.slack_y,
    )
    outer = (
        e.left - e.slack_x,
        e.top - e.slack_y,
        e.left + e.width + e.slack_x,
        e.top + e.height + e.slack_y,
    )
    assert to.address is not None
    seen = "".join(w.text for w in shown if w.touches(*outer))
    code = f"〒{to.address.postcode[:3]}-{to.address.postcode[3:]}"
    expected = code + "".join(to.address.lines) + to.name + to.honorific
    assert seen == "".join(expected.split())
    assert all(w.within(*inner) for w in shown if w.touches(*outer))


def test_bars_stand_where_the_post_wants_them(writing: Writer, envelope: Envelope) -> None:
    pdf, to = _letter(writing)
    assert to.address is not None
    barcode = barcode_of(to.address)
    assert barcode is not None
    bars, unit = strokes(pdf), envelope.barcode / 10
    assert len(bars) == len(barcode.bars) == 67
    middle = (bars[0].top + bars[0].bottom) / 2  # the first is a long one
    for n, (bar, kind) in enumerate(zip(bars, barcode.bars, strict=True)):
        up, down = (part * 3.6 * unit for part in REACH[kind])
        assert bar.left == pytest.approx(bars[0].left + n * 1.2 * unit, abs=0.01)
        assert bar.right - bar.left == pytest.approx(0.6 * unit, abs=0.01)
        assert (bar.top, bar.bottom) == pytest.approx((middle - up, middle + down), abs=0.01)


@pytest.mark.parametrize("address", [None, LONG])
def test_two_millimetres_around_the_barcode_stay_blank(
    writing: Writer, envelope: Envelope, address: PostalAddress | None
) -> None:
    pdf, _ = _letter(writing, **({"address": address} if address else {}))
    bars, e = strokes(pdf), envelope
    around = (
        bars[0].left - QUIET,
        bars[0].top - QUIET + 0.01,
        bars[-1].right + QUIET,
        max(bar.bottom for bar in bars) + QUIET,
    )
    whole = Box(*around)
    for x in (-e.slack_x, 0, e.slack_x):
        for y in (-e.slack_y, 0, e.slack_y):
            left, top = e.left + x, e.top + y
            assert whole.within(left - 0.01, top, left + e.width, top + e.height)
    assert not [w.text for w in words(pdf)[0] if w.touches(*around)]


#: Names that hang below their line; the last one's bottom mark is a character of its own.
HANGING = ["Nguyễn Thị Ngọc", "gypsy Ọj|Ç", "潮田 ｇｙｐｓｙ", "見本 々〱", "見本 O\u0323g\u0323"]


@pytest.mark.parametrize("name", HANGING)
def test_ink_of_names_keeps_two_millimetres_from_the_barcode(
    writing: Writer, envelope: Envelope, tmp_path: Path, name: str
) -> None:
    """Looked at dot by dot, because characters have other boxes than their ink."""
    if lacking := FACE.lacks(name):
        with pytest.raises(LetterError) as caught:
            _letter(writing, name=name, honorific="")
        assert caught.value.detail == lacking
        return
    pdf, _ = _letter(writing, name=name, honorific="")
    bars = strokes(pdf)
    top, bottom = min(b.top for b in bars), max(b.bottom for b in bars)
    box = Box(bars[0].left - QUIET, top - QUIET, bars[-1].right + QUIET, bottom + QUIET)
    dark = dots(pdf, box, tmp_path)
    assert dark
    edge = 25.4 / DPI  # a dot that ink touches may be grey
    for x, y in dark:
        assert bars[0].left - edge <= x <= bars[-1].right + edge
        assert top - edge <= y <= bottom + edge


@pytest.mark.parametrize("style", Style)
def test_no_character_reaches_deeper_than_is_reckoned(style: Style) -> None:
    face = typeface(Stationery(style=style))
    path, number = face.faces[0]  # addresses are set in the regular one
    with TTFont(path, lazy=True, fontNumber=number if path.suffix == ".ttc" else -1) as font:
        glyphs, units = font.getGlyphSet(), font["head"].unitsPerEm
        known = font.getBestCmap()
        some = [c for c in known if c < 0x3400] + [*known][0x3400::300]
        for code in some:
            pen = BoundsPen(glyphs)
            glyphs[known[code]].draw(pen)
            if pen.bounds:
                assert -pen.bounds[1] / units <= face.depth(chr(code)), chr(code)


def test_folding_marks(templates: Path, writing: Writer, envelope: Envelope) -> None:
    pdf, _ = _letter(writing)
    assert folds(pdf) == pytest.approx(envelope.folds, abs=0.1)
    plain = Stationery(envelope=envelope.name, fold_marks=False)
    writer = Writer(templates, stationery=plain)
    assert folds(writer.letter(writer.sample("refund", "decided")).pdf) == []


def test_a_brand_has_an_envelope_of_its_own(writer: Writer) -> None:
    sample = writer.sample("refund", "decided")
    other = replace(sample, brand=replace(sample.brand, envelope="kaku2"))
    assert folds(writer.letter(sample).pdf) != []
    assert folds(writer.letter(other).pdf) == []


def test_an_organisation_and_an_office(writer: Writer) -> None:
    office = {"organisation": "見本県専門職連合会", "role": "事務局長", "name": "見本 次郎"}
    pdf, _ = _letter(writer, **office)
    text = "".join(w.text for w in words(pdf)[0])
    assert "見本県専門職連合会事務局長見本次郎様" in text
    pdf, _ = _letter(writer, name="見本県専門職連合会", honorific="御中")
    assert "見本県専門職連合会御中" in "".join(w.text for w in words(pdf)[0])


def test_a_place_without_barcode_has_none(writer: Writer) -> None:
    sample = writer.sample("refund", "decided")
    address = PostalAddress(
        postcode="1000000", prefecture="東京都", city="千代田区", street="見本町1-2-3"
    )
    assert barcode_of(address) is None
    to = replace(sample.recipient, address=address)
    assert strokes(writer.letter(replace(sample, recipient=to)).pdf) == []


_TEXT = st.text(
    st.sampled_from("東京都千代田区１丁目ーっ、。（）ABC-09 ァ々葛󠄀"), min_size=1, max_size=60
)


@settings(max_examples=300)
@given(street=_TEXT, building=_TEXT, name=_TEXT, where=st.sampled_from(sorted(ENVELOPES)))
def test_no_line_is_too_long_and_no_character_is_lost(
    street: str, building: str, name: str, where: str
) -> None:
    e = ENVELOPES[where]
    address = PostalAddress(
        postcode="1000001", prefecture="東京都", city="千代田区", street=street, building=building
    )
    try:
        block = fit(Recipient(name=name, address=address), e, FACE, barcode=True)
    except LetterError:
        return
    bare = "".join([*block.lines, *block.names])
    assert "".join(bare.split()) == "".join(f"東京都千代田区{street}{building}{name}様".split())
    for line in block.lines:
        assert FACE.width(line) * block.size * MM <= e.text_width
    for line in block.names:
        assert FACE.width(line) * block.size * LARGER * MM <= e.text_width


def test_mincho_is_used_or_named_at_the_start(
    templates: Path, sample_refund: Correspondence
) -> None:
    writer = Writer(templates, stationery=Stationery(style=Style.MINCHO))
    pdf = writer.letter(sample_refund).pdf
    assert b"NotoSerifCJK" in pdf
    assert b"NotoSansCJK" not in pdf
