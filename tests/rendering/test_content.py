"""What a page's content draws, read against what was written into it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.rendering.pdf.content import Contents, Drawn
from notifier.rendering.pdf.fonts import Font, Unreadable

_GLYPHS = range(0x300)
_WIDTH = 600  # thousandths of the size
_FONT = Font(
    b"".join(b"1 beginbfchar <%04X> <%04X> endbfchar " % (g, 0x3041 + g) for g in _GLYPHS),
    b"/DW 0/W[0 %d %d]" % (_GLYPHS[-1], _WIDTH),
)
#: The bytes of a string that stand for themselves, and names of others.
_SHORT = {0x0A: b"\\n", 0x0D: b"\\r", 0x09: b"\\t", 0x08: b"\\b", 0x0C: b"\\f"}
_MARKED = frozenset(b"()\\")


def _literal(raw: bytes) -> bytes:
    """Bytes as a string in parentheses, as Typst writes them."""
    return b"(%s)" % b"".join(
        b"\\%c" % byte
        if byte in _MARKED
        else _SHORT.get(byte) or (b"%c" % byte if 0x20 <= byte < 0x7F else b"\\%03o" % byte)
        for byte in raw
    )


def _string(glyphs: Sequence[int], in_hex: bool) -> bytes:
    raw = b"".join(glyph.to_bytes(2, "big") for glyph in glyphs)
    return b"<%s>" % raw.hex().upper().encode() if in_hex else _literal(raw)


def _drawn(string: bytes, *, more: bytes = b"") -> Drawn:
    body = b"\n/c0 cs 0.1 0.1 0.1 scn\nBT 0 Tr/f0 10 Tf 1 0 0 -1 2 3 Tm[%s]TJ%s\nET" % (
        string,
        more,
    )
    [found] = Contents({b"f0": _FONT}).drawn(b"q 1 0 0 -1 100 700 cm%s\nQ\n" % body, 842.0)
    return found


@given(st.lists(st.sampled_from(_GLYPHS), min_size=1, max_size=40), st.booleans())
def test_a_text_is_read_as_it_was_written(glyphs: list[int], in_hex: bool) -> None:
    string = _string(glyphs, in_hex)
    found = _drawn(string)
    assert found.text == "".join(chr(0x3041 + glyph) for glyph in glyphs)
    assert found.left == pytest.approx(102)
    assert found.right == pytest.approx(102 + len(glyphs) * 10 * _WIDTH / 1000)
    assert (found.top, found.bottom) == pytest.approx((142 + 3 - 8.8, 142 + 3 + 1.2))
    # Further operators take the text the long way; it stands where it stood.
    assert _drawn(string, more=b" 0 Tr") == found


@given(
    st.lists(
        st.tuples(
            st.lists(st.sampled_from(_GLYPHS), min_size=1, max_size=5),
            st.booleans(),
            st.decimals(-900, 900, places=2).map(float),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_a_justified_line_is_as_long_as_it_is_set(
    stretches: list[tuple[list[int], bool, float]],
) -> None:
    line = b"".join(_string(glyphs, in_hex) + b"%.2f" % move for glyphs, in_hex, move in stretches)
    glyphs = [glyph for stretch, _, _ in stretches for glyph in stretch]
    found = _drawn(line)
    assert found.text == "".join(chr(0x3041 + glyph) for glyph in glyphs)
    length = len(glyphs) * _WIDTH - sum(move for _, _, move in stretches)
    assert found.right == pytest.approx(102 + length * 10 / 1000)
    long_way = _drawn(line, more=b" 0 Tr")
    assert long_way[:4] == pytest.approx(found[:4])
    assert long_way.text == found.text


@pytest.mark.parametrize(
    "string", [b"(\\000)", b"<0001", b"(\\000\\001", b"(\\777\\001)", b"(a\\)"]
)
def test_half_a_text_is_no_text(string: bytes) -> None:
    with pytest.raises(Unreadable):
        _drawn(string)


def test_a_text_in_a_font_that_is_not_there_is_not_read() -> None:
    body = b"\n/c0 cs 0 scn\nBT 0 Tr/f9 10 Tf 1 0 0 -1 0 0 Tm[<0001>]TJ\nET"
    with pytest.raises(Unreadable):
        list(Contents({b"f0": _FONT}).drawn(b"q 1 0 0 -1 0 0 cm%s\nQ\n" % body, 842.0))
