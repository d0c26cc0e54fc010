"""What draws in a way that is not known is said so, whatever it is."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.write.content import Contents, Drawn
from notifier.write.glyphs import Font, Unknown

_MAP = b"beginbfchar <0001><0041> <0002><5F62> endbfchar"
_FONT = Font(_MAP, b"/W[1 1 600 2 2 1000]/DW 0")
_PARTS = [
    b"q 1 0 0 -1 10 90 cm", b"q 0 1 1 0 10 90 cm", b"\nQ\n", b"EMC", b"/Span<</MCID 3>>BDC\n",
    b"/Artifact BMC\n", b"BT", b"ET", b"/f0 10 Tf ", b"1 0 0 -1 0 0 Tm", b"[(\\000\\001)-5]TJ\n",
    b"<0002>Tj", b"0 0 m ", b"5 5 l ", b"1 2 3 4 5 6 c ", b"S", b"f", b"2 w ", b"/x0 Do", b"h\n",
    b"q 0 0 m 1 1 l h\nW\nn", b"(", b")", b"<<", b">>", b"1.2.3 ", b"/c0 cs 0 scn ", b"\n",
]  # fmt: skip


def read(content: bytes) -> list[Drawn]:
    return [*Contents({b"f0": _FONT}).drawn(content, 100)]


def test_text_and_lines_have_their_boxes() -> None:
    shown = b"[(\\000\\001)-500<0002>]TJ"
    text = b"q 1 0 0 -1 10 90 cm\nBT 0 Tr/f0 10 Tf 1 0 0 -1 0 0 Tm" + shown + b"\nET\nQ\n"
    line = b"q 1 0 0 -1 10 80 cm 2 w 0 0 m 0 5 l\nS\nQ\n"
    [one, other] = read(b"/Span<</MCID 0/Lang(ja)>>BDC\n" + text + b"EMC/Artifact BMC\n" + line)
    assert one.text == "A形"
    assert one[:4] == pytest.approx((10, 1.2, 31, 11.2))
    assert other == Drawn(9, 20, 11, 25, "")


def test_what_is_turned_is_turned() -> None:
    [piece] = read(b"q 0 1 1 0 10 90 cm 0 0 m 4 0 l\nS\nQ\n")
    left, top, right, bottom = piece[:4]
    assert bottom - top > right - left


@pytest.mark.parametrize(
    "content",
    [
        b"q 1 0 0 -1 10 90 cm/x0 Do\nQ\n",
        b"q 1 0 0 -1 10 90 cm\nBT <0001>Tj\nET\nQ\n",
        b"q 1 0 0 -1 10 90 cm\nBT /f0 Tf\nET\nQ\n",
        b"q 1 0 0 -1 10 90 cm f\nQ\n",
        b"0 0 m 9 9 l S",
    ],
)
def test_the_unknown_is_named(content: bytes) -> None:
    with pytest.raises(Unknown):
        read(content)


@given(st.lists(st.sampled_from(_PARTS) | st.binary(max_size=8), max_size=14).map(b"".join))
def test_nothing_else_is_raised(content: bytes) -> None:
    with suppress(Unknown):
        read(content)
