"""Characters that no text of ours may hold, whoever wrote it: one table for intake and output.

Forbidden are controls, line and paragraph separators, what turns the direction of text, what
nobody sees (zero-width characters, fillers, tags) and what is no character at all. Allowed, though
nobody sees them, are variation selectors: 葛󠄀 is not 葛.
"""

import re
import unicodedata
from typing import Final

_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029"
_DIRECTION: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN: Final = (
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f"
    r"\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    r"\U000e01f0-\U000e0fff"
)
_NO_CHARACTERS: Final = r"\ud800-\udfff\ufdd0-\ufdef" + "".join(
    f"\\U{plane:04x}fffe\\U{plane:04x}ffff" for plane in range(17)
)
#: One forbidden character.
FORBIDDEN: Final = re.compile(f"[{_CONTROLS}{_DIRECTION}{_UNSEEN}{_NO_CHARACTERS}]")
#: Of them those that no words may hold even where they are only kept and shown: they would command
#: a terminal, break a line, or have a text read as what it is not.
UNSHOWABLE: Final = re.compile(rf"[{_CONTROLS}\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
#: Halves of characters, which no encoding can write.
SURROGATES: Final = re.compile("[\ud800-\udfff]")
#: Those of them that :meth:`str.isprintable` lets pass.
FILLERS: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2800\u3164\uffa0]")
#: Of private-use areas: what one shows as a name is a box elsewhere.
PRIVATE: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]")


def is_blank(text: str) -> bool:
    """Whether nothing of a text is to be seen: it has spaces, selectors and loose marks alone."""
    return all(unicodedata.category(c)[0] in "ZMC" for c in text)


def is_clean(text: str) -> bool:
    """Whether a line has only allowed characters (:data:`FORBIDDEN`)."""
    return FORBIDDEN.search(text) is None


def is_showable(text: str) -> bool:
    """Whether words of others, such as an inquiry's, can be kept and shown as they came.

    Joined emoji, soft hyphens and marks of direction are in many mails, and harm nobody there.
    """
    return UNSHOWABLE.search(text) is None


def printable(text: str) -> str:
    """A text with a mark in place of each character that it may not hold, for showing it."""
    return FORBIDDEN.sub("\ufffd", text)


def has_private(text: str) -> bool:
    """Whether a text has characters of a private-use area, which mean nothing elsewhere."""
    return PRIVATE.search(text) is not None
