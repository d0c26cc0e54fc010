"""All that is wrong with facts that a person has written, before anything is made of them.

:func:`notifier.rendering.facts.typed` reads facts for a template and stops at the first fault; here
each fault is named, and blank texts, days that cannot be and words that no template knows are
faults too.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final

from notifier.model.billing import RefundReason, Remedy
from notifier.model.errors import FieldError
from notifier.model.notice import FieldSpec, FieldType, Notice
from notifier.rendering.errors import WriteError
from notifier.rendering.facts import check_text, day_of

MOST_YEN: Final = 99_999_999
_MOST_TEXT: Final = 2_000
_MOST_ITEMS: Final = 100
_YEARS: Final = range(1990, 2200)
#: Facts that are words of ours.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "remedy": tuple(Remedy),
    "method": tuple(Remedy),
    "reason": tuple(RefundReason),
    "duplicate_method": ("card", "bank_transfer"),
}
#: Days of which the first is not after the second.
_ORDER: Final = (
    ("occurred_on", "found_on"), ("charged_on", "attempted_on"),
    ("charged_on", "deadline"), ("charged_on", "recharge_on"), ("charged_on", "remedy_on"),
    ("attempted_on", "deadline"), ("attempted_on", "next_attempt_on"),
    ("deadline", "recharge_on"), ("deadline", "next_attempt_on"),
    ("occurred_on", "reported_before"),
)  # fmt: skip
#: What has happened, as the words say; and what is still to be kept.
_PAST: Final = (
    "occurred_on", "found_on", "charged_on", "duplicated_on", "attempted_on", "reported_before",
)  # fmt: skip
_AHEAD: Final = ("deadline",)


def fact_errors(
    notice: Notice, step: str, facts: Mapping[str, Any], today: date
) -> list[FieldError]:
    """What is wrong with the facts for a step, each error with its field (``facts.…``)."""
    specs = notice.fields_for(step)
    errors = [e for spec in specs for e in _errors(spec, f"facts.{spec.name}", facts)]
    known = {spec.name for spec in specs}
    errors += [FieldError(f"facts.{name}", "unknown") for name in sorted(facts.keys() - known)]
    wrong = {e.field for e in errors}
    days = {
        spec.name: date.fromisoformat(facts[spec.name])
        for spec in specs
        if spec.type is FieldType.DATE and facts.get(spec.name) and _path(spec) not in wrong
    }
    return errors + list(_calendar(days, today))


def _path(spec: FieldSpec) -> str:
    return f"facts.{spec.name}"


def _errors(spec: FieldSpec, path: str, facts: Mapping[str, Any]) -> Iterator[FieldError]:
    value = facts.get(spec.name)
    if value is None or value in ("", [], ()):
        if not spec.optional:
            yield FieldError(path, "missing")
        return
    if spec.type is FieldType.RECORDS:  # billing alone fills them
        yield FieldError(path, "unknown")
        return
    yield from (found := list(_CHECKS[spec.type](path, value)))
    if not found and spec.name in _WORDS and value not in _WORDS[spec.name]:
        yield FieldError(path, "not_one_of", {"allowed": ", ".join(_WORDS[spec.name])})


def _calendar(days: Mapping[str, date], today: date) -> Iterator[FieldError]:
    for first, second in _ORDER:
        if first in days and second in days and days[first] > days[second]:
            yield FieldError(f"facts.{second}", "before_other", {"other": f"facts.{first}"})
    for name in _PAST:
        if name in days and days[name] > today:
            yield FieldError(f"facts.{name}", "not_yet")
    for name in _AHEAD:
        if name in days and days[name] < today:
            yield FieldError(f"facts.{name}", "deadline_past")


def text_errors(path: str, value: Any, limit: int = _MOST_TEXT) -> Iterator[FieldError]:
    """What is wrong with a text: its type, nothing in it, too much, characters of no use."""
    if not isinstance(value, str):
        yield FieldError(path, "wrong_type", {"expected": "string"})
    elif not value.strip():
        yield FieldError(path, "missing")
    elif len(value) > limit:
        yield FieldError(path, "too_long", {"limit": limit})
    else:
        try:
            check_text(path, value)
        except WriteError:
            private = any(unicodedata.category(c) == "Co" for c in value)
            yield FieldError(path, "private_character" if private else "control_character")


def _whole(path: str, value: Any) -> Iterator[FieldError]:
    if isinstance(value, bool) or not isinstance(value, int):
        yield FieldError(path, "wrong_type", {"expected": "integer"})


def _yen(path: str, value: Any) -> Iterator[FieldError]:
    yield from (found := list(_whole(path, value)))
    if found:
        return
    if value < 0:
        yield FieldError(path, "negative")
    elif value > MOST_YEN:
        yield FieldError(path, "too_big", {"limit": MOST_YEN})


def _day(path: str, value: Any) -> Iterator[FieldError]:
    try:
        fine = day_of(path, value).year in _YEARS
    except WriteError:
        fine = False
    if not fine:
        yield FieldError(path, "bad_date")


def _flag(path: str, value: Any) -> Iterator[FieldError]:
    if not isinstance(value, bool):
        yield FieldError(path, "wrong_type", {"expected": "boolean"})


def _list(path: str, value: Any) -> Iterator[FieldError]:
    if not isinstance(value, list | tuple):
        yield FieldError(path, "wrong_type", {"expected": "array"})
    elif len(value) > _MOST_ITEMS:
        yield FieldError(path, "too_many", {"limit": _MOST_ITEMS})


def _texts(path: str, value: Any) -> Iterator[FieldError]:
    yield from (found := list(_list(path, value)))
    for n, item in enumerate(() if found else value):
        yield from text_errors(f"{path}.{n}", item)


def _rows(path: str, value: Any) -> Iterator[FieldError]:
    yield from (found := list(_list(path, value)))
    for n, row in enumerate(() if found else value):
        if not isinstance(row, Mapping) or not row:
            yield FieldError(f"{path}.{n}", "wrong_type", {"expected": "object"})
            continue
        for name, item in row.items():
            yield from text_errors(f"{path}.{n}.{name}", item)


_CHECKS: Final[Mapping[FieldType, Callable[[str, Any], Iterator[FieldError]]]] = {
    FieldType.TEXT: text_errors,
    FieldType.YEN: _yen,
    FieldType.DATE: _day,
    FieldType.NUMBER: _whole,
    FieldType.FLAG: _flag,
    FieldType.TEXTS: _texts,
    FieldType.ROWS: _rows,
}
