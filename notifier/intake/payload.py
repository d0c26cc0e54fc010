"""The data of an event: read by the model of its type, exactly as written."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from notifier.model.characters import is_clean, printable
from notifier.model.errors import BadInput, FieldError

from . import card_numbers
from .card_numbers import NOTED
from .findings import first_of_each, translate
from .strict_json import canonical

#: Texts of several lines.
_SENTENCES: Final = ("data.explanation.cause", "data.explanation.prevention")
_INT64: Final = range(-(2**63), 2**63)  # beyond it, JSON readers disagree
_YEARS: Final = range(1990, 2200)


def read_data(model: type[BaseModel], data: Any) -> tuple[BaseModel, list[FieldError]]:
    """The data as its model, exactly as written, and notes about it.

    Raises :class:`BadInput` with all that is wrong.
    """
    if not isinstance(data, dict):
        raise BadInput([FieldError("data", "wrong_type", {"expected": "object"})])
    found_wrong = list(check_values(data, "data"))
    notes = [e for e in found_wrong if e.code == NOTED]
    errors = [e for e in found_wrong if e.code != NOTED]
    try:
        found = model.model_validate_json(canonical(data), strict=True)
        errors += _check_dates(found, data)
    except ValidationError as problem:
        errors += translate(problem, "data")
    except ValueError:  # what has no canonical form
        errors += [] if errors else [FieldError("data", "bad_format")]
    if errors:
        raise BadInput(first_of_each(errors))
    return found, notes


def check_values(value: Any, path: str, name: str = "") -> Iterator[FieldError]:
    """What no value may hold, whatever its field: control characters, direction overrides, half
    characters, huge numbers, card numbers. An identifier that looks like one is a mere note.

    ``name``: of the field that the value is in, without its path.
    """
    if isinstance(value, str | int):
        if code := _text(value, path, name) if isinstance(value, str) else _number(value):
            yield FieldError(path, code)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from check_values(inner, f"{path}.{printable(str(key)[:60])}", str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from check_values(inner, f"{path}.{place}", name)
        yield from _together(value, path, name)


def _together(values: list[Any], path: str, name: str) -> Iterator[FieldError]:
    """A card number that is written in several texts of one list, such as four codes; several
    codes in one text have a stroke between them.
    """
    texts = [value for value in values if isinstance(value, str)]
    if name not in card_numbers.IDENTIFIERS and not any(
        card_numbers.refusal(name, text) for text in texts
    ):
        code = card_numbers.refusal(name, " ".join(texts).replace("|", " "))
        yield from [FieldError(path, code)] if code else []


def _text(value: str, path: str, name: str) -> str | None:
    text = value.replace("\n", "") if path in _SENTENCES else value
    found = card_numbers.problem(name, value)  # first: it may be written with invisible marks
    return found or (None if is_clean(text) else "control_character")


def _number(value: int) -> str | None:
    return card_numbers.number_problem(value) if value in _INT64 else "bad_number"


def _check_dates(found: BaseModel, data: Mapping[str, Any]) -> Iterator[FieldError]:
    # The model also takes seconds since 1970 in a string for a date, and the year 1.
    for name, value in found:
        if isinstance(value, date) and (
            data.get(name) != value.isoformat() or value.year not in _YEARS
        ):
            yield FieldError(f"data.{name}", "bad_date")
