"""What is wrong with typed values, told in our own codes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from notifier.model.characters import printable
from notifier.model.errors import FieldError

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
    "literal_error": "not_allowed",
    "blank": "too_short",
    "looks_like_link": "looks_like_link",
    "honorific_in_name": "honorific_in_name",
    "honorific_contradicts": "honorific_contradicts",
}
_EXPECTED: Final[Mapping[str, str]] = {
    "int_type": "integer",
    "int_from_float": "integer",
    "int_parsing_size": "integer",
    "string_type": "string",
    "date_type": "date",
    "tuple_type": "array",
    "list_type": "array",
    "model_type": "object",
    "bool_type": "boolean",
}
_LIMITS: Final = ("max_length", "min_length", "le", "ge")


def translate(problem: ValidationError, prefix: str = "") -> Iterator[FieldError]:
    """The errors of a model as ours, each field's path beginning with ``prefix``."""
    details = problem.errors(include_url=False, include_input=False)
    for detail in details:
        # A list whose items are wrong is also called too short: that says nothing new.
        if detail["type"] != "too_short" or not _has_inner(detail, details):
            yield _field_error(detail, prefix)


def _has_inner(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    place = detail["loc"]
    return any(len(d["loc"]) > len(place) and d["loc"][: len(place)] == place for d in details)


def _field_error(detail: ErrorDetails, prefix: str) -> FieldError:
    field = ".".join(
        [*([prefix] if prefix else []), *(printable(str(part)[:60]) for part in detail["loc"])]
    )
    kind = detail["type"]
    if kind in _EXPECTED:
        return FieldError(field, "wrong_type", {"expected": _EXPECTED[kind]})
    context = detail.get("ctx", {})
    limit = next((context[name] for name in _LIMITS if name in context), None)
    params: dict[str, object] = {} if limit is None else {"limit": limit}
    if "expected" in context:
        params["allowed"] = context["expected"]
    return FieldError(field, _CODES.get(kind, "bad_format"), params)


def first_of_each(errors: Iterable[FieldError]) -> list[FieldError]:
    """The first error of each field."""
    found: dict[str, FieldError] = {}
    for error in errors:
        found.setdefault(error.field, error)
    return list(found.values())
