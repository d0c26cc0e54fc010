"""What must be true of a letter before it is set: characters, address, window."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from notifier.model.correspondence import Correspondence
from notifier.model.reasons import Reason
from notifier.postal import postcodes
from notifier.postal.postcodes import PostcodeProblem
from notifier.rendering.errors import LetterError
from notifier.rendering.letter.typeface import Typeface
from notifier.rendering.letter.window import NOT_FIRST
from notifier.rendering.text import links

#: Where in the data of a letter its own fields stand; all else is wording.
_FIELDS = {"to": "recipient.address", "brand": "brand"}
_NAMES = ("names", "company", "name")
#: Ems for a line of the body (10 points, 164 mm, less an indent), and of narrower places.
_ROOM: Final = 44.0
_ROOMS: Final = {
    "heading": 31.0,
    "highlight": 16.0,
    "rows": 28.0,
    "wide": 13.0,  # rows that stand side by side
    "sum": 28.0,
    "compare": 13.0,
    "points": 13.0,
    "cases": 40.0,
    "contacts": 24.0,
    "title": 40.0,
}
_KNOWN: Final = 4096  # words that have passed
#: JSON as it is: what it escapes by itself can always be printed.
as_json: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
#: Where no line can end: half-width characters, and what may not begin a line after anything.
_LONG: Final = re.compile(
    rf"[^\s\u2e80-\U0003ffff]{{12,}}[{re.escape(NOT_FIRST)}]*|\S[{re.escape(NOT_FIRST)}]{{12,}}"
)


def check_glyphs(data: Any, written: str, face: Typeface) -> None:
    """Raises :class:`LetterError` naming the first character that cannot be printed.

    ``written`` is ``data`` as JSON, in which all that JSON itself adds can be printed.
    """
    if face.lacks(written) is None:
        return
    for field, text in _texts(data, "letter"):
        missing = face.lacks(text)
        if missing:
            message = f"holds {missing}, which no font of ours can print"
            raise LetterError(Reason.GLYPH_MISSING, field, message, missing)


class Checked:
    """Checks the words of letters. What has passed is known, as letters have most in common."""

    def __init__(self, face: Typeface) -> None:
        self._face = face
        self._known = lru_cache(_KNOWN)(self._check)

    def written(self, parts: Mapping[str, str | list[str]], domains: Sequence[str]) -> str:
        """Words, each as JSON, as one. Raises :class:`WriteError` for what cannot be printed."""
        allowed = tuple(domains)
        written = []
        for key, part in parts.items():
            for one in [part] if isinstance(part, str) else part:
                self._known(key, one, allowed)
            whole = part if isinstance(part, str) else f"[{','.join(part)}]"
            written.append(f'"{key}":{whole}')
        return f"{{{','.join(written)}}}"

    def _check(self, key: str, written: str, domains: tuple[str, ...]) -> None:
        value = json.loads(written)
        check_glyphs(value, written, self._face)
        check_area(key, value, self._face)
        links.check_text("\n".join(text for _, text in _placed(key, value)), domains)


def check_area(key: str, value: Any, face: Typeface) -> None:
    """Raises :class:`LetterError` if something that cannot be broken is wider than its place.

    What can be broken stays on the sheet by itself.
    """
    for room, text in _placed(key, value):
        for run in _LONG.finditer(text):
            if face.width(run[0]) > room:
                message = "holds a run that is too long for its line"
                raise LetterError(Reason.OUTSIDE_PRINTABLE_AREA, key, message)


def _placed(key: str, value: Any) -> Iterator[tuple[float, str]]:
    """Every text with the ems that there are for a line of it."""
    if isinstance(value, str):
        yield _ROOMS.get(key, _ROOM), value
    elif isinstance(value, dict):
        for inner, item in value.items():
            place = "wide" if inner == "rows" and value.get("wide") else inner
            yield from _placed(place if place in _ROOMS else key, item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _placed(key, item)


def check_postcode(c: Correspondence) -> None:
    """Raises :class:`LetterError` if the postcode does not exist or belongs elsewhere."""
    found = postcodes.check(c.recipient.address) if c.recipient.address else None
    if found is None:
        return
    unknown = found.problem is PostcodeProblem.UNKNOWN_POSTCODE
    raise LetterError(
        Reason.POSTCODE_UNKNOWN if unknown else Reason.POSTCODE_DIFFERS,
        "recipient.address.postcode",
        "does not exist" if unknown else f"and address do not agree ({found.problem})",
        "" if unknown else str(found.problem),
    )


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
