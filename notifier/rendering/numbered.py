"""Whose a page is: the number that the sheet draws in places that no data of a letter reach.

A name, a building or a member number may read like a letter's number, or be one. What counts is
only what stands in the upper right corner of a first page, between edge and sender, and in the
foot of each further page, below all that is set there. Sizes are those of ``sheet.typ``.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.rendering.content import Drawn
from notifier.rendering.errors import WriteError

_POINTS: Final = 72 / 25.4  # of a millimetre
_NUMBER: Final = re.compile(r"M\d{9,}")
_RIGHT: Final = 188 * _POINTS  # where the lines in the corner end
_CORNER: Final = 18 * _POINTS  # above this the number ends
_FOOT: Final = 284 * _POINTS  # below this feet begin; texts end at 281 mm
_ROUNDING: Final = 1 * _POINTS


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
        if piece.bottom < _CORNER and abs(piece.right - _RIGHT) < _ROUNDING:
            corner += _NUMBER.findall(piece.text)
        elif piece.top > _FOOT:
            foot += _NUMBER.findall(piece.text)
    return corner, foot
