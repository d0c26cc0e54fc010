"""Facts: the values that an event or a person gives, as typed values that may be shown."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from notifier.model.characters import FILLERS, FORBIDDEN, PRIVATE, SURROGATES
from notifier.model.notice import FieldSpec, FieldType, Notice
from notifier.rendering.errors import WriteError

_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def typed(notice: Notice, step: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The declared fields of a step with their Python values.

    Dates become :class:`date`; optional fields that are absent are ``None`` (flags: ``False``,
    records: an empty list).
    Facts that the notice does not declare are left out: templates cannot see them.
    Raises :class:`WriteError` naming the first field that is missing or wrong.
    """
    return {spec.name: _value(spec, facts.get(spec.name)) for spec in notice.fields_for(step)}


def _value(spec: FieldSpec, given: Any) -> Any:
    if spec.type is FieldType.RECORDS:
        return _records(spec, given or ())
    if given is None or given == "":
        if not spec.optional:
            raise WriteError(spec.name, "is missing")
        return False if spec.type is FieldType.FLAG else None
    return _READERS[spec.type](spec.name, given)


def _text(name: str, given: Any) -> str:
    if not isinstance(given, str):
        raise WriteError(name, "is not text")
    return check_text(name, usual(given))


def _whole(name: str, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise WriteError(name, "is not a whole number")
    return given


def _yen(name: str, given: Any) -> int:
    if _whole(name, given) < 0:
        raise WriteError(name, "is a negative amount")
    return int(given)


def day_of(name: str, given: Any) -> date:
    """A day from its ISO form. Raises :class:`WriteError`."""
    if not isinstance(given, str) or not _ISO.fullmatch(given):
        raise WriteError(name, "is not a date such as 2025-07-15")
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise WriteError(name, "is not a day of the calendar") from None


def _flag(name: str, given: Any) -> bool:
    if not isinstance(given, bool):
        raise WriteError(name, "is not true or false")
    return given


def _texts(name: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list | tuple):
        raise WriteError(name, "is not a list of text")
    return tuple(_text(f"{name}.{i}", item) for i, item in enumerate(given))


def _rows(name: str, given: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(row, Mapping) for row in given):
        raise WriteError(name, "is not a list of rows")
    return tuple(
        {check_line(name, str(k)): _text(f"{name}.{i}.{k}", v) for k, v in row.items()}
        for i, row in enumerate(given)
    )


def _records(spec: FieldSpec, given: Any) -> tuple[dict[str, Any], ...]:
    if not isinstance(given, list | tuple) or not all(isinstance(one, Mapping) for one in given):
        raise WriteError(spec.name, "is not a list of records")
    return tuple(
        {
            p.name: _value(replace(p, name=f"{spec.name}.{i}.{p.name}"), one.get(p.name))
            for p in spec.parts
        }
        for i, one in enumerate(given)
    )


_READERS: Final[Mapping[FieldType, Callable[[str, Any], Any]]] = {
    FieldType.TEXT: _text,
    FieldType.YEN: _yen,
    FieldType.DATE: day_of,
    FieldType.NUMBER: _whole,
    FieldType.FLAG: _flag,
    FieldType.TEXTS: _texts,
    FieldType.ROWS: _rows,
}


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


#: U+2F00–2FDF, Kangxi radicals, each with the character it looks like; NBSP and its narrow kin.
_SINGLE: Final = {
    **{
        code: unicodedata.normalize("NFKC", chr(code))
        for code in range(0x2F00, 0x2FE0)
        if unicodedata.category(chr(code)) != "Cn"
    },
    0x00A0: " ",
    0x202F: " ",
}
_MIXED: Final = re.compile(r"（([^（）()\n]*)\)|\(([^（）()\n]*)）")
_ODD: Final = re.compile(f"[{''.join(map(chr, _SINGLE))}()]")


def usual(text: str) -> str:
    """The text in usual forms; most texts come back as they are."""
    if not _ODD.search(text):
        return text
    return _MIXED.sub(lambda found: f"（{found[1] or found[2] or ''}）", text.translate(_SINGLE))
