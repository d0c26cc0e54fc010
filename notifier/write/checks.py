"""What must be true of a letter before it is set: characters, address, window."""

from collections.abc import Iterator
from typing import Any

from notifier.model.reasons import Reason
from notifier.write.errors import LetterError
from notifier.write.typeface import Typeface

#: Where in the data of a letter its own fields stand; all else is wording.
_FIELDS = {"to": "recipient.address", "brand": "brand"}
_NAMES = ("names", "company", "name")


def check_glyphs(data: Any, face: Typeface) -> None:
    """Raises :class:`LetterError` naming the first character that cannot be printed."""
    if face.lacks("".join(text for _, text in _texts(data, "letter"))) is None:
        return
    for field, text in _texts(data, "letter"):
        missing = face.lacks(text)
        if missing:
            message = f"holds {missing}, which no font of ours can print"
            raise LetterError(Reason.GLYPH_MISSING, field, message, missing)


def _texts(data: Any, field: str) -> Iterator[tuple[str, str]]:
    """Every text with the field that it belongs to, without its line breaks."""
    if isinstance(data, str):
        yield field, data.replace("\n", "")
    elif isinstance(data, dict):
        for key, value in data.items():
            inner = _FIELDS.get(key, field)
            if field == "recipient.address" and key in _NAMES:
                inner = "recipient.name"
            yield from _texts(value, inner)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from _texts(item, field)
