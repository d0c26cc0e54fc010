"""What letters are printed on and with: envelope, folding marks, typeface, limits."""

from dataclasses import dataclass
from enum import StrEnum


class Style(StrEnum):
    """The style of the letters."""

    GOTHIC = "gothic"  # Noto Sans CJK JP, which is always there
    MINCHO = "mincho"  # an installed font


@dataclass(frozen=True, slots=True, kw_only=True)
class Stationery:
    """What an operator decides about letters."""

    envelope: str = "naga3"  # a name of envelopes.toml; a brand may name another
    fold_marks: bool = True
    style: Style = Style.GOTHIC
    mincho: str = "Noto Serif CJK JP"  # the family of the Mincho
    most_pages: int = 6  # of one letter; a notice may allow fewer or more
    sheet_g: float = 5.0  # grams of one sheet, printed on one side (A4 of 80 g/m²: 4.99)
    unprintable_mm: float = 5.0  # along each edge of a sheet, where the press cannot print
