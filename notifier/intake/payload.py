"""The data of an event: read by the model of its type, exactly as written."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from notifier.model.errors import BadInput, FieldError

from .characters import is_clean, printable
from .findings import first_of_each, translate
from .strict_json import canonical

#: Texts of several lines.
_SENTENCES: Final = ("data.explanation.cause", "data.explanation.prevention")
_INT64: Final = range(-(2**63), 2**63)  # beyond it, JSON readers disagree
_YEARS: Final = range(1990, 2200)


def read_data(model: type[BaseModel], data: Any) -> BaseModel:
    """The data as its model, exactly as written.

    Raises :class:`BadInput` with all that is wrong.
    """
    if not isinstance(data, dict):
        raise BadInput([FieldError("data", "wrong_type", {"expected": "object"})])
    errors: list[FieldError] = list(check_values(data, "data"))
    try:
        found = model.model_validate_json(canonical(data), strict=True)
        errors += _check_dates(found, data)
    except ValidationError as problem:
        errors += translate(problem, "data")
    except ValueError:  # what has no canonical form
        errors += [] if errors else [FieldError("data", "bad_format")]
    if errors:
        raise BadInput(first_of_each(errors))
    return found


def check_values(value: Any, path: str) -> Iterator[FieldError]:
    """Texts with control characters, direction overrides or half characters; huge numbers."""
    if isinstance(value, str):
        text = value.replace("\n", "") if path in _SENTENCES else value
        if not is_clean(text):
            yield FieldError(path, "control_character")
    elif isinstance(value, int) and value not in _INT64:
        yield FieldError(path, "bad_number")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from check_values(inner, f"{path}.{printable(str(name)[:60])}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from check_values(inner, f"{path}.{place}")


def _check_dates(found: BaseModel, data: Mapping[str, Any]) -> Iterator[FieldError]:
    # The model also takes seconds since 1970 in a string for a date, and the year 1.
    for name, value in found:
        if isinstance(value, date) and (
            data.get(name) != value.isoformat() or value.year not in _YEARS
        ):
            yield FieldError(f"data.{name}", "bad_date")
