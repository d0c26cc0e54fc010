"""Check finished pages: nothing outside of what the press prints or beside the address, no page
of another letter.

Looked at on the pages themselves, after everything else, so that no template can get around it.
Characters count as squares of their size (above the barcode also what hangs below their line), and
what is clipped as if it were not. A name, a building or a member number may read like a letter's
number, or be one: what counts is only what stands in places that no data of a letter reach, in the
upper right corner of a first page, between edge and sender, and in the foot of each further page,
below all that is set there. Sizes are those of ``sheet.typ``.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.rendering.errors import LetterError, WriteError
from notifier.rendering.letter.typeface import SQUARE, depth_of
from notifier.rendering.pdf.content import Drawn
from notifier.rendering.stationery import QUIET, Envelope
from notifier.rendering.text.japanese import postcode

_POINTS: Final = 72 / 25.4  # of a millimetre
_WIDTH, _HEIGHT = 210 * _POINTS, 297 * _POINTS
_ROUNDING: Final = 0.05 * _POINTS
_DESCENT: Final = 0.29  # ems that letters reach below their line, in the typefaces that we know

_Box = tuple[float, float, float, float]


def check_pages(
    pages: Sequence[Iterable[Drawn]],
    c: Correspondence,
    envelope: Envelope,
    margin: float,
    descent: float = _DESCENT,
) -> None:
    """Raises :class:`LetterError` for what stands where it must not.

    ``pages`` are those of the letter ``c``; ``margin``: millimetres along each edge of a sheet
    that the press cannot print; ``descent``: of the typeface, in ems. In the window, however the
    sheet slips in its envelope, only the address may show, all of it, with its blank around the
    barcode.
    """
    edge = margin * _POINTS
    within = (edge, edge, _WIDTH - edge, _HEIGHT - edge)
    for number, page in enumerate(pages, 1):
        drawn = list(page)
        if not _inside(_box_of(drawn), within):
            outside = next(piece for piece in drawn if not _inside(piece, within))
            raise _refused(Reason.OUTSIDE_PRINTABLE_AREA, number, outside)
        if number == 1:
            _check_window(drawn, c, envelope, descent)


def _check_window(drawn: Iterable[Drawn], c: Correspondence, e: Envelope, descent: float) -> None:
    window = _around(e.left, e.top, e.left + e.width, e.top + e.height)
    seen = _wider(window, e.slack_x, e.slack_y)
    always = _wider(window, -e.slack_x, -e.slack_y)
    shown = [piece for piece in drawn if _touches(piece, seen)]
    for piece in shown:
        if not _inside(piece, always):
            raise _refused(Reason.WINDOW_NOT_CLEAR, 1, piece)
    shapes = [piece for piece in shown if not piece.text]
    texts = [_hanging(piece, descent) for piece in shown if piece.text] if shapes else []
    _check_barcode(shapes, texts, always, e)
    found = "".join("".join([piece.text for piece in shown]).split())
    told = _address(c)
    if sorted(found) != sorted(told) and _length(found) != _length(told):
        raise _refused(Reason.WINDOW_NOT_CLEAR, 1, shown[0] if shown else None)


def _check_barcode(
    shapes: Sequence[Drawn], texts: Sequence[Drawn], always: _Box, e: Envelope
) -> None:
    """At most one shape, of the size of a barcode, and nothing near it."""
    for bars in shapes:
        around = _wider(bars[:4], QUIET, QUIET)
        blank = _inside(around, always) and not any(_touches(text, around) for text in texts)
        wide = bars.right - bars.left - e.barcode_width * _POINTS
        high = bars.bottom - bars.top - e.barcode_height * _POINTS
        if len(shapes) > 1 or max(abs(wide), abs(high)) > _ROUNDING or not blank:
            raise _refused(Reason.WINDOW_NOT_CLEAR, 1, bars)


def _hanging(text: Drawn, descent: float) -> Drawn:
    """A text with what reaches below its square."""
    em = text.bottom - text.top
    return text._replace(bottom=text.bottom + (depth_of(text.text, descent) - SQUARE) * em)


def _address(c: Correspondence) -> str:
    """What stands in the window, in any order."""
    r = c.recipient
    assert r.address is not None
    office = r.organisation + r.role if r.organisation else ""
    told = [postcode(r.address.postcode), *r.address.lines, office, r.name, r.honorific]
    return "".join("".join(told).split())


def _length(text: str) -> int:
    """Characters that take room. Which ones, a page tells for certain only of glyphs."""
    bare = unicodedata.normalize("NFC", text)
    return sum(not unicodedata.combining(c) and not _selects(c) for c in bare)


def _selects(c: str) -> bool:
    return 0xFE00 <= ord(c) <= 0xFE0F or 0xE0100 <= ord(c) <= 0xE01EF


def _around(left: float, top: float, right: float, bottom: float) -> _Box:
    return left * _POINTS, top * _POINTS, right * _POINTS, bottom * _POINTS


def _wider(box: _Box, x: float, y: float) -> _Box:
    """A box with millimetres more to each side."""
    x, y = x * _POINTS, y * _POINTS
    return box[0] - x, box[1] - y, box[2] + x, box[3] + y


def _box_of(drawn: Sequence[Drawn]) -> _Box:
    """The box around all that is drawn; of nothing one in the middle of the sheet."""
    if not drawn:
        return _WIDTH / 2, _HEIGHT / 2, _WIDTH / 2, _HEIGHT / 2
    lefts, tops, rights, bottoms, _ = zip(*drawn, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _inside(piece: Drawn | _Box, box: _Box) -> bool:
    return (
        piece[0] >= box[0] - _ROUNDING
        and piece[1] >= box[1] - _ROUNDING
        and piece[2] <= box[2] + _ROUNDING
        and piece[3] <= box[3] + _ROUNDING
    )


def _touches(piece: Drawn, box: _Box) -> bool:
    return (
        piece[2] > box[0] + _ROUNDING
        and piece[0] < box[2] - _ROUNDING
        and piece[3] > box[1] + _ROUNDING
        and piece[1] < box[3] - _ROUNDING
    )


def _refused(reason: Reason, page: int, piece: Drawn | None) -> LetterError:
    where = f"{piece.left / _POINTS:.0f}/{piece.top / _POINTS:.0f} mm" if piece else ""
    return LetterError(reason, "letter", "shows something in a wrong place", f"{page}: {where}")


_NUMBER: Final = re.compile(r"M\d{9,}")
_RIGHT: Final = 188 * _POINTS  # where the lines in the corner end
_CORNER: Final = 18 * _POINTS  # above this the number ends
_FOOT: Final = 284 * _POINTS  # below this feet begin; texts end at 281 mm
_NUMBER_ROUNDING: Final = 1 * _POINTS


def check_number(pages: Sequence[Iterable[Drawn]], c: Correspondence) -> None:
    """Raises :class:`WriteError` if a page does not bear the number of the letter ``c``.

    The first page bears it in its corner. A further page bears no number there, as it would be
    the first of another letter, and in its foot this one or none.
    """
    for place, page in enumerate(pages):
        corner, foot = _numbers(page)
        further = place > 0
        if corner != ([] if further else [c.number]) or (further and set(foot) - {c.number}):
            raise WriteError("number", f"is not on page {place + 1}, or another one is")


def _numbers(page: Iterable[Drawn]) -> tuple[list[str], list[str]]:
    """The numbers in the corner and in the foot."""
    corner, foot = [], []
    for piece in page:
        if piece.bottom < _CORNER and abs(piece.right - _RIGHT) < _NUMBER_ROUNDING:
            corner += _NUMBER.findall(piece.text)
        elif piece.top > _FOOT:
            foot += _NUMBER.findall(piece.text)
    return corner, foot
