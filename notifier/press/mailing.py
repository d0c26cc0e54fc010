"""What the post makes of a piece: its weight, its price, its customer barcode."""

from collections.abc import Iterable
from datetime import date
from math import ceil

from notifier.model.errors import BadInput
from notifier.model.member import PostalAddress
from notifier.model.press import Press
from notifier.post.address import barcode_of
from notifier.post.barcode import Barcode
from notifier.post.postage import Form, Piece, postage, total, weight

from .manifest import Entry


def grams(press: Press, pages: int) -> int:
    """What a letter weighs in its envelope, in whole grams, rounded up."""
    given = weight(
        press.sheets(pages), Form(press.form), paper=press.paper, envelope=press.envelope_grams
    )
    return ceil(given)


def yen(press: Press, day: date, weighs: int) -> int:
    """What a piece costs by itself."""
    return postage(day, weighs, Form(press.form))


def is_too_heavy(press: Press, day: date, pages: int) -> bool:
    """Whether the post does not take a letter in this form."""
    try:
        yen(press, day, grams(press, pages))
    except BadInput:
        return True
    return False


def yen_of_all(press: Press, day: date, entries: Iterable[Entry]) -> int:
    """What pieces cost when they are posted together; those with barcodes may cost less."""
    marked: list[Piece] = []
    others: list[Piece] = []
    for entry in entries:
        (marked if entry.barcode else others).append(Piece(entry.grams, Form(press.form)))
    return total(day, marked, barcode=True) + total(day, others, barcode=False)


def barcode_text(address: PostalAddress) -> str:
    """What the customer barcode of an address says: digits, capitals, hyphens; empty: none."""
    made = barcode_of(address)
    return _text(made) if made else ""


def _text(made: Barcode) -> str:
    parts: list[str] = []
    shift = ""
    for symbol in made.symbols[1:-2]:  # without start, check digit and stop
        if symbol.startswith("CC"):
            shift = symbol
        elif shift:
            parts.append(chr(ord("A") + 10 * (int(shift[2:]) - 1) + int(symbol)))
            shift = ""
        else:
            parts.append(symbol)
    return "".join(parts)
