"""The attributes of a CloudEvents 1.0 envelope, checked one by one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from notifier.model.characters import is_clean, printable
from notifier.model.errors import FieldError
from notifier.rules.rules import TYPES

from . import card_numbers
from .card_numbers import NOTED

MAX_TEXT: Final = 255
_EXTENSION = re.compile(r"[a-z0-9]{1,40}")
KNOWN: Final = frozenset(
    {"specversion", "id", "source", "type", "time", "subject", "datacontenttype", "dataschema"}
    | {"supersedes", "data"}
)
RESERVED: Final = frozenset({"data_base64"})  # binary data has no meaning for us
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)
_YEARS: Final = range(1990, 2200)
_VERSION = re.compile(r"/v([1-9][0-9]{0,3})$", re.ASCII)
_JSON = re.compile(r"application/json(\s*;\s*charset=\"?utf-8\"?)?", re.ASCII | re.IGNORECASE)
_PARAMS: Final[Mapping[str, Mapping[str, object]]] = {
    "wrong_type": {"expected": "string"},
    "too_long": {"limit": MAX_TEXT},
}
_EXTENSION_PARAMS: Final = {**_PARAMS, "wrong_type": {"expected": "string, integer, boolean"}}
_INT32: Final = range(-(2**31), 2**31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What an envelope says about its event."""

    source: str
    id: str
    type: str
    version: int
    time: datetime
    supersedes: str | None
    notes: tuple[FieldError, ...] = ()  # identifiers that look like card numbers


class _Reader:
    """Reads attributes and gathers what is wrong with them."""

    def __init__(self, envelope: Mapping[str, Any]) -> None:
        self._envelope = envelope
        self.errors: list[FieldError] = []
        self.notes: list[FieldError] = []

    def refuse(self, field: str, code: str, **params: object) -> None:
        self.errors.append(FieldError(field, code, params))

    def text(self, name: str) -> str | None:
        """A text of 1 to 255 characters; None if it is absent (null is absent) or wrong."""
        value = self._envelope.get(name)
        if value is None:
            return None
        code = None
        if isinstance(value, str) and name != "time":  # whose form leaves no room
            code = card_numbers.problem(name, value)
        code = code or text_problem(value)
        if code == NOTED and FieldError(name, NOTED) not in self.notes:
            self.notes.append(FieldError(name, NOTED))
        if code in (None, NOTED):
            return str(value)
        self.refuse(name, code, **_PARAMS.get(code, {}))
        return None

    def required(self, name: str) -> str:
        """A text that must be there; empty if it is not."""
        if self._envelope.get(name) is None:
            self.refuse(name, "missing")
        return self.text(name) or ""


def read_attributes(envelope: Mapping[str, Any]) -> tuple[Attributes | None, list[FieldError]]:
    """The attributes, or None and all that is wrong with them."""
    reader = _Reader(envelope)
    _check_specversion(reader)
    event_id, source = reader.required("id"), reader.required("source")
    kind = _known_type(reader)
    time = _time(reader)
    _check_content_type(reader)
    version = _version(reader, kind)
    reader.text("subject")
    supersedes = reader.text("supersedes")
    if supersedes is not None and supersedes == event_id:
        reader.refuse("supersedes", "supersedes_itself")
    reader.errors += _check_extensions(envelope)
    if reader.errors or time is None:
        return None, reader.errors
    return (
        Attributes(
            source=source,
            id=event_id,
            type=kind,
            version=version,
            time=time,
            supersedes=supersedes,
            notes=tuple(reader.notes),
        ),
        [],
    )


def text_problem(value: object) -> str | None:
    """What is wrong with an attribute's text, as a code."""
    if not isinstance(value, str):
        return "wrong_type"
    if not value:
        return "too_short"
    if len(value) > MAX_TEXT:
        return "too_long"
    return None if is_clean(value) else "control_character"


def read_time(text: str) -> datetime | None:
    """An RFC 3339 moment of the years 1990 to 2199; None if it is anything else."""
    match = _TIME.fullmatch(text)
    if not match:
        return None
    day, clock, fraction, offset = match.groups()
    micro = (fraction or "").ljust(6, "0")[:6]
    offset = "+00:00" if offset in "Zz" else offset
    try:
        found = datetime.fromisoformat(f"{day}T{clock}.{micro}{offset}")
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _check_specversion(reader: _Reader) -> None:
    if reader.required("specversion") not in ("", "1.0"):
        reader.refuse("specversion", "not_allowed", allowed="1.0")


def _known_type(reader: _Reader) -> str:
    kind = reader.required("type")
    if kind and kind not in TYPES:
        reader.refuse("type", "unknown_type", value=kind[:100])
    return kind


def _time(reader: _Reader) -> datetime | None:
    text = reader.required("time")
    time = read_time(text)
    if text and time is None:
        reader.refuse("time", "bad_time")
    return time


def _check_content_type(reader: _Reader) -> None:
    found = reader.text("datacontenttype")
    if found is not None and not _JSON.fullmatch(found):
        reader.refuse("datacontenttype", "not_allowed", allowed="application/json")


def _version(reader: _Reader, kind: str) -> int:
    versions = TYPES.get(kind, {})
    schema = reader.text("dataschema")
    if schema is None:
        return max(versions, default=0)
    match = _VERSION.search(schema)
    version = int(match[1]) if match else 0
    if versions and version not in versions:
        reader.refuse("dataschema", "unknown_version", allowed=", ".join(f"v{v}" for v in versions))
    return version


def _check_extensions(envelope: Mapping[Any, Any]) -> Iterator[FieldError]:
    for name, value in envelope.items():
        if name in KNOWN:
            continue
        if not isinstance(name, str) or name in RESERVED or not _EXTENSION.fullmatch(name):
            yield FieldError(printable(str(name)[:60]), "unknown_field")
        elif code := _extension_problem(value):
            yield FieldError(name, code, _EXTENSION_PARAMS.get(code, {}))


def _extension_problem(value: object) -> str | None:
    if isinstance(value, str):
        return card_numbers.problem("", value) or text_problem(value)
    if value is None or isinstance(value, bool) or (isinstance(value, int) and value in _INT32):
        return None
    return "wrong_type"
