"""From an address to its customer barcode."""

from notifier.model.member import PostalAddress

from . import boxes
from .barcode import Barcode, encode
from .extraction import address_part
from .matching import match, rest
from .towns import Kind, find


def barcode_of(address: PostalAddress) -> Barcode | None:
    """The barcode of an address; None where the post wants none, or cannot be served.

    None for a representative postcode (以下に掲載がない場合), as the post asks for (manual, p. 18),
    and for a postcode that the record does not hold: the town cannot be split off, and without a
    barcode a letter travels as well. The postcode of a business goes alone (p. 22). A town that is
    not the postcode's is no reason to refuse: that is for ``postcodes.check``.
    """
    entry = find(address.postcode)
    if entry is None:
        box = boxes.number_of(address)
        return encode(address.postcode, box) if box else None
    if entry.kind is Kind.REPRESENTATIVE:
        return None
    if entry.kind is Kind.OFFICE:
        return encode(address.postcode, "")
    return encode(address.postcode, address_part(rest(address, match(address, entry))))
