"""Characters that no message may carry, whoever wrote them."""

import re
import unicodedata
from typing import Final

from notifier.write.errors import WriteError

#: C0 and C1 controls, line and paragraph separators, and marks that turn the direction of text.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")


def check_line(field: str, text: str) -> str:
    """One line of text, returned as it is. Raises :class:`WriteError` on what it may not hold."""
    if text.isprintable():  # which none of what follows is
        return text
    if _CONTROL.search(text):
        raise WriteError(field, "contains a control character or a line break")
    if _SURROGATE.search(text):
        raise WriteError(field, "contains half a character")
    # Everybody's private-use area looks different: what one shows as a name is a box elsewhere.
    if any(unicodedata.category(c) == "Co" for c in text):
        raise WriteError(field, "contains a private-use character")
    return text


def check_text(field: str, text: str) -> str:
    """Text that may have line breaks; each becomes the end of a paragraph."""
    lines = [check_line(field, line).strip(" \t") for line in text.splitlines()]
    return "\n\n".join(line for line in lines if line)
