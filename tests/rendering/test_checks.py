"""What a letter must be before it may go, and what is said of one that must not."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.rendering.errors import BadTemplate, LetterError, WriteError
from notifier.rendering.labels import label
from notifier.rendering.letter.typeface import typeface
from notifier.rendering.stationery import Stationery, Style, read_envelopes
from notifier.rendering.writer import Writer
from tests.rendering.sheets import words

FACE = typeface(Stationery())
#: mm that printers leave blank, and the sheet.
AREA = (5.0, 5.0, 205.0, 292.0)
_OWN = (
    Reason.GLYPH_MISSING,
    Reason.ADDRESS_DOES_NOT_FIT,
    Reason.TOO_MANY_PAGES,
    Reason.TOO_HEAVY,
    Reason.POSTCODE_UNKNOWN,
    Reason.POSTCODE_DIFFERS,
    Reason.OUTSIDE_PRINTABLE_AREA,
)


def _named(c: Correspondence, name: str) -> Correspondence:
    return replace(c, recipient=replace(c.recipient, name=name))


def _at(c: Correspondence, **address: str) -> Correspondence:
    assert c.recipient.address is not None
    return replace(
        c, recipient=replace(c.recipient, address=replace(c.recipient.address, **address))
    )


BAD: list[tuple[Callable[[Correspondence], Correspondence], Reason, str, str]] = [
    (lambda c: _named(c, "見本 😀"), Reason.GLYPH_MISSING, "recipient.name", "U+1F600"),
    (lambda c: _at(c, building="ꙮ荘"), Reason.GLYPH_MISSING, "recipient.address", "U+A66E"),
    (
        lambda c: replace(c, facts={**c.facts, "charge_id": "C-\U00013000"}),
        Reason.GLYPH_MISSING,
        "letter",
        "U+13000",
    ),
    # A variant that is registered, but not in the font: it would be printed in another form.
    (
        lambda c: _named(c, "辻\U000e01ef 花子"),
        Reason.GLYPH_MISSING,
        "recipient.name",
        "U+8FBB U+E01EF",
    ),
    (lambda c: _at(c, street="長" * 400), Reason.ADDRESS_DOES_NOT_FIT, "recipient.address", ""),
    (lambda c: _named(c, "名" * 120), Reason.ADDRESS_DOES_NOT_FIT, "recipient.name", ""),
    (
        lambda c: _at(c, postcode="0000000"),
        Reason.POSTCODE_UNKNOWN,
        "recipient.address.postcode",
        "",
    ),
    (
        lambda c: _at(c, prefecture="大阪府"),
        Reason.POSTCODE_DIFFERS,
        "recipient.address.postcode",
        "prefecture_differs",
    ),
    (
        lambda c: replace(c, facts={**c.facts, "charge_id": "C" * 200}),
        Reason.OUTSIDE_PRINTABLE_AREA,
        "sections",
        "",
    ),
]


@pytest.mark.parametrize(("spoil", "reason", "field", "detail"), BAD)
def test_a_bad_letter_is_refused_before_it_is_set(
    writer: Writer,
    sample_refund: Correspondence,
    spoil: Callable[[Correspondence], Correspondence],
    reason: Reason,
    field: str,
    detail: str,
) -> None:
    bad = spoil(sample_refund)
    for write in (writer.check_letter, writer.letter):
        with pytest.raises(LetterError) as caught:
            write(bad)
        found = caught.value
        assert (found.reason, found.field, found.detail) == (reason, field, detail)
        assert bad.recipient.name not in str(found)


def test_a_good_letter_passes(writer: Writer, sample_refund: Correspondence) -> None:
    writer.check_letter(sample_refund)


def test_pages_and_weight(templates: Path, sample_leak: Correspondence) -> None:
    long = replace(sample_leak, facts={**sample_leak.facts, "cause": "説明です。\n" * 400})
    with pytest.raises(LetterError) as caught:
        Writer(templates).letter(long)
    assert caught.value.reason is Reason.TOO_MANY_PAGES
    heavy = Writer(templates, stationery=Stationery(most_pages=50))
    with pytest.raises(LetterError) as caught:
        heavy.letter(long)
    assert caught.value.reason is Reason.TOO_HEAVY
    assert caught.value.detail.endswith("/8")  # (50 − 5.5) g of 5 g each
    light = Stationery(most_pages=50, sheet_g=2)
    assert Writer(templates, stationery=light).letter(long).pages > 8


def test_a_notice_says_how_many_pages_it_may_have(templates: Path, tmp_path: Path) -> None:
    copy = tmp_path / "templates"
    for path in templates.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(templates)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    manifest = copy / "ja" / "card_error" / "notice.toml"
    manifest.write_text(f"pages = 1\n{manifest.read_text()}")
    writer = Writer(copy)
    with pytest.raises(LetterError, match="pages"):
        writer.letter(writer.sample("card_error", "first"))
    manifest.write_text(manifest.read_text().replace("pages = 1\n", "pages = 0\n", 1))
    with pytest.raises(BadTemplate, match="pages: is not between"):
        Writer(copy)


def test_every_reason_has_its_labels() -> None:
    for reason in _OWN:
        for language in ("ja", "en"):
            assert label(f"reason.{reason}", language) != f"reason.{reason}"


_WORD = st.text(
    st.sampled_from("会員制度の、。ーっ（）「」ABCxyz019-/.@ ァ々…"), min_size=1, max_size=80
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(cause=st.lists(_WORD, min_size=1, max_size=4), item=_WORD)
def test_what_passes_stays_on_the_sheet(
    writer: Writer, sample_leak: Correspondence, cause: list[str], item: str
) -> None:
    facts = {**sample_leak.facts, "cause": "\n".join(cause), "leaked_items": [item, "氏名"]}
    c = replace(sample_leak, facts=facts)
    try:
        writer.check_letter(c)
    except WriteError:
        return
    for page in words(writer.letter(c).pdf):
        assert [word for word in page if not word.within(*AREA)] == []


def test_the_glyphs_are_those_of_the_font() -> None:
    assert FACE.lacks("𠮷田葛\U000e0100城渡邉\U000e0102髙﨑①㈱ﾊﾝｶｸ") is None
    assert FACE.lacks("あ\U000e0100") == "U+3042 U+E0100"
    assert FACE.lacks("\U000e0100") == "U+E0100"
    assert FACE.lacks("ab\u0000c") == "U+0000"
    assert FACE.width("東京 ") == pytest.approx(2.224, abs=0.001)
    assert FACE.width("葛\U000e0100") == 1.0


def test_a_font_that_is_not_there_is_named_at_the_start(templates: Path) -> None:
    nowhere = Stationery(style=Style.MINCHO, mincho="No Such Mincho")
    with pytest.raises(BadTemplate, match="letter_mincho: the font No Such Mincho"):
        Writer(templates, stationery=nowhere)


def test_an_unknown_envelope_is_named_at_the_start(
    templates: Path, writer: Writer, sample_refund: Correspondence
) -> None:
    with pytest.raises(BadTemplate, match="letter_envelope: is not one of kaku2, naga3"):
        Writer(templates, stationery=Stationery(envelope="naga4"))
    other = replace(sample_refund, brand=replace(sample_refund.brand, envelope="naga4"))
    with pytest.raises(WriteError, match=r"brand\.envelope"):
        writer.check_letter(other)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("left = 22", "", "naga3.left"),
        ("left = 22", "left = -1", "naga3.left"),
        ("left = 22", "left = 22\nlong = 1", "naga3.long"),
        ("left = 22", "left = 150", "naga3.left"),
        ("width = 90", "width = 70", "naga3.width"),
        ("barcode = 8", "barcode = 7", "naga3.barcode"),
        ("folds = [99, 198]", 'folds = ["a"]', "naga3.folds"),
        ("[naga3]", "[naga3", ""),
    ],
)
def test_a_bad_envelope_is_named(tmp_path: Path, old: str, new: str, key: str) -> None:
    source = Path("notifier/rendering/envelopes.toml").read_text()
    file = tmp_path / "envelopes.toml"
    file.write_text(source.replace(old, new, 1))
    with pytest.raises(BadTemplate) as caught:
        read_envelopes(file)
    assert caught.value.key == key
