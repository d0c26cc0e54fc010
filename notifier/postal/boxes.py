"""Post-office boxes under the one postcode that all boxes of an office share (私書箱の包括番号)."""

import re
from typing import Final

from notifier.model.member import PostalAddress

from .extraction import address_part

#: Source: Japan Post, manual of postcodes and barcodes, p. 22. They are in no published list.
_SHARED: Final = re.compile("[0-9]{3}869[0-9]|[0-9]{5}91")
_BOX: Final = re.compile("私書[箱函](.*)", re.DOTALL)
_NUMBER: Final = re.compile("[0-9]{1,4}(?![0-9])")


def number_of(address: PostalAddress) -> str | None:
    """One to four digits; None if the postcode is not of that kind, or no box is named."""
    if not _SHARED.fullmatch(address.postcode):
        return None
    named = _BOX.search(f"{address.street} {address.building}")
    number = _NUMBER.match(address_part(named[1])) if named else None
    return number[0] if number else None
