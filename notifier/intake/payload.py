"""The data of an event: read by the model of its type, every error told in our own codes."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from notifier.model.errors import BadInput, FieldError

from .strict_json import canonical

# Besides the controls: direction overrides, which make a line read as what it is not, and
# characters that no text may hold.
CONTROL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffe\uffff]"
)
#: Texts of several lines.
_SENTENCES: Final = ("data.explanation.cause", "data.explanation.prevention")
_INT64: Final = range(-(2**63), 2**63)  # beyond it, JSON readers disagree
_YEARS: Final = range(1990, 2200)

_CODES: Final[Mapping[str, str]] = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "greater_than_equal": "negative",
    "less_than_equal": "too_big",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "string_pattern_mismatch": "bad_format",
    "too_short": "too_few",
    "too_long": "too_many",
    "date_parsing": "bad_date",
    "date_from_datetime_parsing": "bad_date",
    "date_from_datetime_inexact": "bad_date",
    "enum": "not_allowed",
}
_EXPECTED: Final[Mapping[str, str]] = {
    "int_type": "integer",
    "int_from_float": "integer",
    "int_parsing_size": "integer",
    "string_type": "string",
    "date_type": "date",
    "tuple_type": "array",
    "model_type": "object",
    "bool_type": "boolean",
}
_LIMITS: Final = ("max_length", "min_length", "le", "ge")


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
        errors += _translate(problem)
    except ValueError:  # what has no canonical form
        errors += [] if errors else [FieldError("data", "bad_format")]
    if errors:
        raise BadInput(_first_of_each(errors))
    return found


def check_values(value: Any, path: str) -> Iterator[FieldError]:
    """Texts with control characters, direction overrides or half characters; huge numbers."""
    if isinstance(value, str):
        text = value.replace("\n", "") if path in _SENTENCES else value
        if CONTROL.search(text) or not is_whole(text):
            yield FieldError(path, "control_character")
    elif isinstance(value, int) and value not in _INT64:
        yield FieldError(path, "bad_number")
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from check_values(inner, f"{path}.{str(name)[:60]}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from check_values(inner, f"{path}.{place}")


def is_whole(text: str) -> bool:
    """Whether a text has no lone surrogates, so that it can be written at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _translate(problem: ValidationError) -> Iterator[FieldError]:
    details = problem.errors(include_url=False, include_input=False)
    for detail in details:
        # A list whose items are wrong is also called too short: that says nothing new.
        if detail["type"] != "too_short" or not _has_inner(detail, details):
            yield _field_error(detail)


def _has_inner(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    place = detail["loc"]
    return any(len(d["loc"]) > len(place) and d["loc"][: len(place)] == place for d in details)


def _field_error(detail: ErrorDetails) -> FieldError:
    field = ".".join(["data", *(str(part)[:60] for part in detail["loc"])])
    kind = detail["type"]
    if kind in _EXPECTED:
        return FieldError(field, "wrong_type", {"expected": _EXPECTED[kind]})
    context = detail.get("ctx", {})
    limit = next((context[name] for name in _LIMITS if name in context), None)
    params: dict[str, object] = {} if limit is None else {"limit": limit}
    if "expected" in context:
        params["allowed"] = context["expected"]
    return FieldError(field, _CODES.get(kind, "bad_format"), params)


def _check_dates(found: BaseModel, data: Mapping[str, Any]) -> Iterator[FieldError]:
    # The model also takes seconds since 1970 in a string for a date, and the year 1.
    for name, value in found:
        if isinstance(value, date) and (
            data.get(name) != value.isoformat() or value.year not in _YEARS
        ):
            yield FieldError(f"data.{name}", "bad_date")


def _first_of_each(errors: list[FieldError]) -> list[FieldError]:
    found: dict[str, FieldError] = {}
    for error in errors:
        found.setdefault(error.field, error)
    return list(found.values())
