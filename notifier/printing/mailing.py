"""What the post makes of a piece: its weight, its price, its customer barcode."""

from collections.abc import Iterable
from datetime import date
from math import ceil
from typing import Final

from notifier.model.correspondence import Correspondence
from notifier.model.member import PostalAddress
from notifier.postal.address import barcode_of
from notifier.postal.postage import Form, Piece, postage, total
from notifier.rendering.stationery import ENVELOPES, Envelope, Stationery

from .manifest import Entry

_REGULAR_G: Final = 50  # 定形 may not weigh more


def envelope_of(c: Correspondence, stationery: Stationery) -> Envelope:
    """The envelope that a letter was set for."""
    return ENVELOPES[c.brand.envelope or stationery.envelope]


def grams(envelope: Envelope, sheets: int, stationery: Stationery) -> int:
    """What a letter weighs in its envelope, in whole grams, rounded up."""
    return ceil(envelope.empty_g + sheets * stationery.sheet_g)


def yen(envelope: Envelope, day: date, weighs: int, *, recorded: bool) -> int:
    """What a piece costs by itself."""
    return postage(day, weighs, _form(envelope), recorded=recorded)


def yen_of_all(day: date, entries: Iterable[Entry]) -> int:
    """What pieces cost when they are posted together; those with barcodes may cost less."""
    marked: list[Piece] = []
    others: list[Piece] = []
    for entry in entries:
        piece = Piece(entry.grams, _form(ENVELOPES[entry.envelope]), entry.recorded)
        (marked if entry.barcode else others).append(piece)
    return total(day, marked, barcode=True) + total(day, others, barcode=False)


def _form(envelope: Envelope) -> Form:
    return Form.REGULAR if envelope.most_g <= _REGULAR_G else Form.LARGE


def barcode_text(address: PostalAddress) -> str:
    """What the customer barcode of an address says: digits, capitals, hyphens; empty: none."""
    made = barcode_of(address)
    return made.text if made else ""
