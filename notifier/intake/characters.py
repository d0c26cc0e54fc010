"""Characters that no text from outside may hold, by the one table of the program."""

from notifier.model.characters import FORBIDDEN, PRIVATE, UNSHOWABLE


def is_clean(text: str) -> bool:
    """Whether a line has only allowed characters (:data:`notifier.model.characters.FORBIDDEN`)."""
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
