"""Characters that no text from outside may hold."""

import re
from typing import Final

# Besides the controls: direction overrides, which make a line read as what it is not, and
# characters that no text may hold.
_CONTROL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
_PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")


def is_clean(text: str) -> bool:
    """Whether a line has no control characters, direction overrides or lone surrogates."""
    if _CONTROL.search(text):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(text: str) -> str:
    """A text with a mark in place of each character that it may not hold, for showing it."""
    return _CONTROL.sub("\ufffd", text).encode(errors="replace").decode()


def has_private(text: str) -> bool:
    """Whether a text has characters of a private-use area, which mean nothing elsewhere."""
    return _PRIVATE.search(text) is not None
