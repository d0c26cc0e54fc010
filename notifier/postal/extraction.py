"""From what follows the town to the address part of the barcode: 3丁目30-8 403号 is 3-30-8-403.

Source: Japan Post, manual of postcodes and barcodes, p. 17–20.
"""

import re
import unicodedata
from typing import Final

from .characters import INVISIBLE
from .numerals import NUMERAL, to_digits

_WIDTH: Final = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)},
    **dict.fromkeys(INVISIBLE),
    ord("ﾉ"): "ノ",
    ord("･"): "・",
    ord("號"): "号",
}
_CAPITALS: Final = str.maketrans(
    "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "&/・.·"
)
# Other numbers in kanji are parts of names.
_NUMBER: Final = re.compile(f"{NUMERAL}(?=丁目|丁|番地|番|号|地割|線|の|ノ)")
_WORD: Final = re.compile("[A-Z]{2,}")
_FLOOR: Final = re.compile("(?<=[0-9])F")
_REST: Final = re.compile("[^0-9A-Z]+")
_BESIDE_LETTER: Final = re.compile("-?([A-Z])-?")


def address_part(text: str) -> str:
    """Digits, single capitals and hyphens of an address text from which the town is split off.

    Takes any text of any length; what is no number and no single letter becomes a hyphen.
    The order of the steps is the post's: where signs are deleted what stood around them joins,
    so that ``A&B`` is a word; and a word is taken out before its F could be a floor.
    """
    text = text.translate(_WIDTH)
    text = _NUMBER.sub(lambda found: to_digits(found[0]), text)
    text = text.translate(_CAPITALS)
    text = _FLOOR.sub("-", _WORD.sub("-", text))
    # All dashes are among the rest, the lengthening sign of kana too: none needs a name.
    text = _REST.sub("-", text)
    return _BESIDE_LETTER.sub(r"\1", text).strip("-")
