"""Characters that no message may carry, whoever wrote them."""

from notifier.model.characters import FILLERS, FORBIDDEN, PRIVATE, SURROGATES
from notifier.rendering.errors import WriteError


def check_line(field: str, text: str) -> str:
    """One line of text, returned as it is. Raises :class:`WriteError` on what it may not hold."""
    if text.isprintable() and not FILLERS.search(text):  # which nothing else that follows is
        return text
    if SURROGATES.search(text):
        raise WriteError(field, "contains half a character")
    if FORBIDDEN.search(text):
        raise WriteError(field, "contains a control or invisible character, or a line break")
    # Everybody's private-use area looks different: what one shows as a name is a box elsewhere.
    if PRIVATE.search(text):
        raise WriteError(field, "contains a private-use character")
    return text


def check_text(field: str, text: str) -> str:
    """Text that may have line breaks; each becomes the end of a paragraph."""
    lines = [check_line(field, line).strip(" \t") for line in text.splitlines()]
    return "\n\n".join(line for line in lines if line)
