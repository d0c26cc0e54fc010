"""Stationery: what letters are printed on and with. Envelopes are data, in ``envelopes.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from notifier.rendering.errors import BadTemplate

_FILE: Final = Path(__file__).with_name("envelopes.toml")
#: Blank around the barcode on all sides, in mm (郵便番号・バーコードマニュアル).
QUIET: Final = 2.0
_A4: Final = (210.0, 297.0)
_BARCODES: Final = (8.0, 11.5)
_BARS: Final = 67


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A window envelope; see ``envelopes.toml`` for the fields."""

    name: str
    left: float
    top: float
    width: float
    height: float
    slack_x: float
    slack_y: float
    barcode: float
    folds: tuple[float, ...]
    empty_g: float
    most_g: float

    @property
    def text_width(self) -> float:
        """Millimetres for the address; they stay in the window however the sheet slips."""
        return self.width - 2 * (self.slack_x + QUIET)

    @property
    def text_height(self) -> float:
        """Millimetres for the address with its barcode; a quiet zone is left below."""
        return self.height - 2 * self.slack_y - QUIET

    @property
    def barcode_width(self) -> float:
        """Millimetres from the first bar to the last."""
        return (2 * _BARS - 1) * 0.06 * self.barcode

    @property
    def barcode_height(self) -> float:
        """Millimetres of a long bar."""
        return 0.36 * self.barcode

    def sheets_within(self, sheet_g: float) -> int:
        """How many sheets of a weight the postage allows."""
        return int((self.most_g - self.empty_g) / sheet_g)


def read_envelopes(file: Path = _FILE) -> Mapping[str, Envelope]:
    """All envelopes by name. Raises :class:`BadTemplate` naming file and key."""
    try:
        tables = tomllib.loads(file.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadTemplate(file.name, "", str(error)) from None
    return MappingProxyType({name: _read(file.name, name, t) for name, t in tables.items()})


def _read(file: str, name: str, table: Any) -> Envelope:
    known = {f.name for f in fields(Envelope)} - {"name"}
    if not isinstance(table, dict) or table.keys() != known:
        odd = table.keys() ^ known if isinstance(table, dict) else known
        raise BadTemplate(file, f"{name}.{min(odd)}", "is missing or not known")
    folds = table.pop("folds")
    for key, value in [*table.items(), *(("folds", fold) for fold in folds)]:
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadTemplate(file, f"{name}.{key}", "is not a length or weight")
    envelope = Envelope(name=name, folds=tuple(folds), **table)
    _check(file, envelope)
    return envelope


def _check(file: str, e: Envelope) -> None:
    if not _BARCODES[0] <= e.barcode <= _BARCODES[1]:
        raise BadTemplate(file, f"{e.name}.barcode", "is not between 8 and 11.5 points")
    if e.barcode_width > e.text_width:
        raise BadTemplate(file, f"{e.name}.width", "is too narrow for the barcode and its blank")
    if e.left + e.width + e.slack_x > _A4[0] or e.top + e.height + e.slack_y > _A4[1] / 2:
        raise BadTemplate(file, f"{e.name}.left", "puts the window outside of the sheet's head")


ENVELOPES: Final = read_envelopes()


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
