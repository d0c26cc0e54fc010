"""The bars that zint draws for a customer barcode, as a judge of ours."""

from typing import Final

from zint import Symbol, Symbology

_COLUMNS: Final = 133  # 67 bars and the spaces between them
_BAR: Final = {(1, 1): "1", (1, 0): "2", (0, 1): "3", (0, 0): "4"}


def zint_bars(text: str) -> str:
    """Bars of postcode and address part; 20 symbols at most, a letter counts as two."""
    symbol = Symbol()
    symbol.symbology = Symbology.JAPANPOST
    symbol.encode(text)
    rows = symbol.encoded_data
    upper, lower = ([_bit(rows, row, at) for at in range(0, _COLUMNS, 2)] for row in (0, 2))
    return "".join(_BAR[pair] for pair in zip(upper, lower, strict=True))


def _bit(rows: memoryview, row: int, column: int) -> int:
    byte: int = rows[row, column // 8]
    return byte >> column % 8 & 1
