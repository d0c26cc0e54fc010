"""Headers of a mail: a light reader for blocks that need not be well formed."""

import base64
import binascii
import quopri
import re
from itertools import islice
from typing import Final

from . import bounds
from .charset import decode

_FIELD: Final = re.compile(rb"^([!-9;-~]{1,80})[ \t]*:[ \t]*(.*(?:\n[ \t].*)*)", re.MULTILINE)
_FOLD: Final = re.compile(r"\s*\n\s*")
_WORD: Final = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN: Final = re.compile(r"(\?=)\s+(?==\?)")


class Headers:
    """The fields of one block, by name in lower case, in their order."""

    __slots__ = ("_fields",)

    def __init__(self, fields: dict[str, list[bytes]]) -> None:
        self._fields = fields

    @classmethod
    def parse(cls, block: bytes) -> "Headers":
        """The fields of a block with ``\\n`` as its only line end."""
        fields: dict[str, list[bytes]] = {}
        found = _FIELD.finditer(block[: bounds.HEADER_BYTES])
        for one in islice(found, bounds.FIELDS):
            name = one[1].decode("ascii").lower()
            fields.setdefault(name, []).append(one[2][: bounds.VALUE])
        return cls(fields)

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __bool__(self) -> bool:
        return bool(self._fields)

    def get(self, name: str) -> str:
        """The first field of that name, decoded and on one line; nothing if there is none."""
        found = self._fields.get(name)
        return _readable(found[0]) if found else ""

    def all(self, *names: str) -> list[str]:
        """All fields of these names, decoded, each on one line."""
        return [_readable(value) for name in names for value in self._fields.get(name, ())]

    def names(self) -> set[str]:
        """The names of all fields."""
        return set(self._fields)


def _readable(value: bytes) -> str:
    text = decode(value)
    if "\n" in text:
        text = _FOLD.sub(" ", text)
    if "=?" in text:
        text = _BETWEEN.sub(r"\1", text)
        text = _WORD.sub(_word, text)
        text = _FOLD.sub(" ", text)
    return text.strip()


def _word(found: re.Match[str]) -> str:
    """An encoded word (RFC 2047); as it is where it cannot be decoded."""
    charset, encoding, content = found.groups()
    raw = content.encode("utf-8", "replace")
    plain = encoding in "bB"
    data = from_base64(raw) if plain else quopri.decodestring(raw.replace(b"_", b" "))
    return decode(data, charset.split("*")[0].lower())


def from_base64(data: bytes) -> bytes:
    """What base64 stands for, as far as it goes; signs that do not belong there are passed over."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    kept = kept[: len(kept) - len(kept) % 4] + (
        kept[-(len(kept) % 4) :] if len(kept) % 4 > 1 else b""
    )
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except (binascii.Error, ValueError):
        return b""
