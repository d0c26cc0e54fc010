"""A process that reads addresses in high buildings, for tests with other seeds of hashing.

Takes ``address → text of its barcode`` as JSON lines on standard input, and prints each line that
comes out otherwise.
"""

import json
import sys

from notifier.model.member import PostalAddress
from notifier.postal.address import barcode_of
from notifier.postal.postcodes import check


def main() -> None:
    for line in sys.stdin:
        postcode, prefecture, city, street, expected = json.loads(line)
        told = PostalAddress(postcode=postcode, prefecture=prefecture, city=city, street=street)
        made = barcode_of(told)
        if check(told) or made is None or made.text != expected:
            sys.stdout.write(line)


if __name__ == "__main__":
    main()
