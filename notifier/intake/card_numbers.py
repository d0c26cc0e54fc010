"""Card numbers in what comes in: refused in texts, noted in identifiers, masked in what is kept."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from notifier.model.card_number import SHORTEST, has_card_number, masked
from notifier.model.characters import printable
from notifier.model.errors import BadInput, FieldError

__all__ = [
    "IDENTIFIERS",
    "NOTED",
    "REFUSED",
    "SHORTEST",
    "masked_payload",
    "number_problem",
    "problem",
    "refusal",
    "refuse_card_numbers",
]

#: The code of a refusal, and of a mere note about an identifier.
REFUSED: Final = "card_number"
NOTED: Final = "looks_like_card_number"
#: Fields that the schemas declare as identifiers. One number in thirty of 16 digits passes for a
#: card number by chance, and nobody can choose their own again.
IDENTIFIERS: Final = frozenset(
    {"id", "supersedes", "member_no", "charge_id", "duplicate_charge_id", "refund_id"}
    | {"policies", "policy_no"}
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")
_FEW: Final = 10**12  # smaller numbers are no card numbers
_LONGEST: Final = 10_000  # characters; every text of an event that is longer is refused for that
_ESCAPED: Final = re.compile(r"\\u00(3[0-9])")


def problem(name: str, text: str) -> str | None:
    """What a field's text has against it, as a code: ``card_number``, or the note.

    ``name``: of the field, without its path. An identifier is only noted, if it is written as one.
    """
    if not SHORTEST <= len(text) <= _LONGEST or not has_card_number(text):
        return None
    return NOTED if name in IDENTIFIERS and _IDENTIFIER.fullmatch(text) else REFUSED


def refusal(name: str, text: str) -> str | None:
    """The same without notes: ``card_number`` or None."""
    return None if problem(name, text) != REFUSED else REFUSED


def number_problem(value: int) -> str | None:
    """The same of a whole number, which is never an identifier."""
    return REFUSED if abs(value) >= _FEW and has_card_number(str(abs(value))) else None


def refuse_card_numbers(field: str, value: Any) -> None:
    """Refuse texts and whole numbers with card numbers in a value, however deep; texts with NUL
    too, which the record cannot hold.

    ``value``: a text, a number, or tables and lists of them, as JSON and TOML have them; keys are
    looked at too. Raises :class:`BadInput` naming each field by its path below ``field``.
    """
    found = list(_found(field, value))
    if found:
        raise BadInput(found)


def _found(field: str, value: Any) -> Iterator[FieldError]:
    if isinstance(value, str):
        yield from _in_text(field, value)
    elif isinstance(value, int) and not isinstance(value, bool):
        if number_problem(value):
            yield FieldError(field, REFUSED)
    elif isinstance(value, dict):
        for name, inner in value.items():
            path = f"{field}.{printable(str(name))}" if field else printable(str(name))
            if has_card_number(str(name)):
                yield FieldError(path, REFUSED)
            yield from _found(path, inner)
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            yield from _found(f"{field}.{place}", inner)


def _in_text(field: str, text: str) -> Iterator[FieldError]:
    if "\0" in text:
        yield FieldError(field, "control_character")
    elif has_card_number(text):
        yield FieldError(field, REFUSED)


def masked_payload(payload: bytes) -> bytes:
    """An event as received with its card numbers masked; the same bytes where it has none.

    What is well-formed JSON is masked by its values, so that escapes hide nothing; identifiers
    written as such stay. Anything else is masked as text.
    """
    try:
        value = orjson.loads(payload)
    except ValueError:
        text = payload.decode("utf-8", "surrogateescape")
        text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text)
        hidden = masked(text)
        return payload if hidden == text else hidden.encode("utf-8", "surrogateescape")
    hidden_value = _masked(value, "")
    return payload if hidden_value == value else orjson.dumps(hidden_value)


def _masked(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return value if problem(name, value) == NOTED else masked(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)
        return masked(text) if has_card_number(text) else value
    if isinstance(value, dict):
        return {masked(key): _masked(inner, key) for key, inner in value.items()}
    return [_masked(inner, name) for inner in value] if isinstance(value, list) else value
