"""The customer barcode (カスタマバーコード): from postcode and address part to bars.

Source: Japan Post, manual of postcodes and barcodes (郵便番号・バーコードマニュアル), p. 12–25.
"""

import re
from dataclasses import dataclass
from typing import Final

from notifier.model.errors import BadInput, FieldError

#: Bars of each symbol: 1 long, 2 upper half, 3 lower half, 4 timing.
_BARS: Final = {
    "0": "144",
    "1": "114",
    "2": "132",
    "3": "312",
    "4": "123",
    "5": "141",
    "6": "321",
    "7": "213",
    "8": "231",
    "9": "411",
    "-": "414",
    "CC1": "324",
    "CC2": "342",
    "CC3": "234",
    "CC4": "432",
    "CC5": "243",
    "CC6": "423",
    "CC7": "441",
    "CC8": "111",
    "START": "13",
    "STOP": "31",
}
#: Symbols in the order of their check values 0 to 18.
_CHECKED: Final[tuple[str, ...]] = (*"0123456789-", *(f"CC{number}" for number in range(1, 9)))
_VALUE: Final = {symbol: value for value, symbol in enumerate(_CHECKED)}
_MODULUS: Final = 19
_ADDRESS_SYMBOLS: Final = 13
_FILLER: Final = "CC4"
_LETTERS: Final = {
    chr(ord("A") + place): (f"CC{place // 10 + 1}", str(place % 10)) for place in range(26)
}
_SYMBOLS: Final = {**_LETTERS, **{plain: (plain,) for plain in _CHECKED[:11]}}
_POSTCODE: Final = re.compile(r"[0-9]{7}")
_PART: Final = re.compile(r"[0-9A-Z-]*")


@dataclass(frozen=True, slots=True)
class Barcode:
    """One customer barcode."""

    symbols: tuple[str, ...]  # 23: START, 7 of the postcode, 13 of the address, check digit, STOP
    bars: str  # 67 digits: 1 long, 2 upper half, 3 lower half, 4 timing
    text: str  # postcode and address part as far as they are drawn; makes the same barcode again

    @property
    def check_digit(self) -> str:
        """The symbol that brings the sum to a multiple of 19: a digit, ``-`` or ``CC1``–``CC8``."""
        return self.symbols[-2]


def encode(postcode: str, part: str) -> Barcode:
    """The barcode of seven digits and an address part of digits, capitals and hyphens.

    What goes beyond 13 address symbols is cut; a letter takes two, and of one that straddles the
    end the control symbol stays. An empty part makes 13 fillers. Raises BadInput on a ``postcode``
    or ``part`` with anything else in it.
    """
    if not _POSTCODE.fullmatch(postcode):
        raise BadInput([FieldError("postcode", "bad_postcode")])
    if not _PART.fullmatch(part):
        raise BadInput([FieldError("part", "bad_format")])
    address, drawn = _address(part)
    data = (*postcode, *address)
    symbols = ("START", *data, _check_digit(data), "STOP")
    bars = "".join([_BARS[symbol] for symbol in symbols])
    return Barcode(symbols, bars, postcode + part[:drawn])


def _address(part: str) -> tuple[list[str], int]:
    """Thirteen symbols, and how many characters of the part are in them."""
    symbols: list[str] = []
    drawn = 0
    for char in part:
        if len(symbols) >= _ADDRESS_SYMBOLS:
            break
        symbols += _SYMBOLS[char]
        drawn += 1
    symbols += [_FILLER] * _ADDRESS_SYMBOLS
    return symbols[:_ADDRESS_SYMBOLS], drawn


def _check_digit(data: tuple[str, ...]) -> str:
    return _CHECKED[-sum([_VALUE[symbol] for symbol in data]) % _MODULUS]
