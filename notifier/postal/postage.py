"""Postage: what a letter weighs and costs, by tariffs with dates (``postage.toml``)."""

import math
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any, Final

from notifier.model.errors import BadInput, FieldError, NotFound

#: An A4 sheet in square metres; its weight is this times the paper's g/m².
A4_M2: Final = 0.210 * 0.297


class Form(StrEnum):
    """What the post makes a difference between."""

    REGULAR = "regular"  # 定形: up to 23.5 × 12 × 1 cm and 50 g, such as 長形3号
    LARGE = "large"  # 定形外 (規格内): up to 34 × 25 × 3 cm and 1 kg, such as 角形2号


#: Grams of an empty envelope: front and back with flaps of 長形3号 at 80 g/m², 角形2号 at 85 g/m².
ENVELOPE_GRAMS: Final = {Form.REGULAR: 5.5, Form.LARGE: 17.0}


@dataclass(frozen=True, slots=True)
class Step:
    """Up to so many grams a letter costs so much."""

    grams: int
    yen: int


@dataclass(frozen=True, slots=True)
class BarcodeDiscount:
    """What barcodes save."""

    pieces: int  # from so many of one form and weight
    percent: int
    forms: tuple[Form, ...]


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices from a day on."""

    valid_from: date
    steps: Mapping[Form, tuple[Step, ...]]  # lightest first
    barcode: BarcodeDiscount
    recorded: int  # 特定記録, on top


@dataclass(frozen=True, slots=True)
class Piece:
    """One letter as the post sees it."""

    grams: float
    form: Form
    recorded: bool = False  # 特定記録


def weight(
    sheets: int, form: Form = Form.REGULAR, *, paper: float = 64, envelope: float | None = None
) -> float:
    """Grams of so many A4 sheets in an envelope.

    ``paper`` in g/m² (copy paper has 64, better paper 80); ``envelope`` in grams, by default that
    of :data:`ENVELOPE_GRAMS`. What else goes in comes on top: weigh one before you post many.
    """
    own = ENVELOPE_GRAMS[form] if envelope is None else envelope
    for field, number in (("sheets", sheets), ("paper", paper), ("envelope", own)):
        _check(field, number)
    return sheets * A4_M2 * paper + own


def postage(day: date, grams: float, form: Form = Form.REGULAR, *, recorded: bool = False) -> int:
    """Yen for one letter posted on ``day``.

    Raises BadInput that names ``grams`` if it is no weight or too heavy for the form, NotFound for
    a day before the first tariff.
    """
    return _price(_tariff_on(day), Piece(grams, form, recorded))


def total(day: date, pieces: Iterable[Piece], barcode: bool = True) -> int:
    """Yen for letters posted together on ``day``.

    With ``barcode`` the discount is taken from each group of one form and weight that is large
    enough; fractions of a yen are rounded up, so that the post never asks for more than this.
    What is recorded gets none.
    All or none carry a barcode: leave out of ``pieces`` those that cannot. Raises as ``postage``.
    """
    tariff = _tariff_on(day)
    groups = Counter(pieces)
    return sum(_group(tariff, piece, count, barcode) for piece, count in groups.items())


def _group(tariff: Tariff, piece: Piece, count: int, barcode: bool) -> int:
    full = count * _price(tariff, piece)
    discount = tariff.barcode
    if not barcode or piece.recorded or count < discount.pieces or piece.form not in discount.forms:
        return full
    return -(-full * (100 - discount.percent) // 100)


def _price(tariff: Tariff, piece: Piece) -> int:
    _check("grams", piece.grams)
    for step in tariff.steps[piece.form]:
        if piece.grams <= step.grams:
            return step.yen + (tariff.recorded if piece.recorded else 0)
    heaviest = tariff.steps[piece.form][-1].grams
    raise BadInput([FieldError("grams", "too_big", {"limit": heaviest})])


def _tariff_on(day: date) -> Tariff:
    known = [tariff for tariff in tariffs() if tariff.valid_from <= day]
    if not known:
        raise NotFound("postage tariff", day.isoformat())
    return known[-1]


def _check(field: str, number: float) -> None:
    if not math.isfinite(number):
        raise BadInput([FieldError(field, "bad_number")])
    if number < 0:
        raise BadInput([FieldError(field, "negative")])


@cache
def tariffs() -> tuple[Tariff, ...]:
    """All tariffs, the oldest first."""
    return read_tariffs(files("notifier.postal").joinpath("postage.toml").read_text("utf-8"))


def read_tariffs(text: str) -> tuple[Tariff, ...]:
    """Tariffs from the text of their file. Raises ValueError on one that contradicts itself."""
    found = sorted(map(_tariff, tomllib.loads(text)["tariffs"]), key=lambda t: t.valid_from)
    if len({tariff.valid_from for tariff in found}) < len(found):
        raise ValueError("two tariffs begin on one day")
    return tuple(found)


def _tariff(entry: Mapping[str, Any]) -> Tariff:
    day = entry["valid_from"]
    steps = {form: tuple(Step(**step) for step in entry["steps"][form]) for form in Form}
    for form, row in steps.items():
        if not row or any(a.grams >= b.grams or a.yen > b.yen for a, b in pairwise(row)):
            raise ValueError(f"{day} {form}: heavier letters stand later and cost no less")
    barcode = entry["barcode"]
    forms = tuple(map(Form, barcode["forms"]))
    discount = BarcodeDiscount(barcode["pieces"], barcode["percent"], forms)
    return Tariff(day, steps, discount, entry["recorded"])
