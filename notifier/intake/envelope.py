"""Events as they arrive: CloudEvents 1.0 in structured JSON, one or a batch."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.event import TYPES, Event

from .agreement import check, settle
from .attributes import Attributes, read_attributes, text_problem
from .payload import read_data
from .strict_json import canonical, decode, refusal

MAX_BODY: Final = 4 * 1024 * 1024  # bytes of a batch
MAX_EVENT: Final = 256 * 1024  # bytes of one event in canonical form
MAX_BATCH: Final = 1000  # events
MAX_ERRORS: Final = 1000  # told at once


def parse_event(raw: bytes | Mapping[str, Any]) -> Event:
    """One event from its JSON text or the decoded object.

    Raises :class:`BadInput` with everything that is wrong, by field.
    """
    value = decode(raw, limit=MAX_BODY) if isinstance(raw, bytes) else raw
    event, errors = _read(value)
    if event is None:
        raise _refused(errors)
    return event


def parse_batch(raw: bytes) -> list[Event]:
    """The events of a JSON array, at most 1000, in their order.

    All or none: :class:`BadInput` has the errors of every bad event with its place (``index``).
    An empty array is an empty batch.
    """
    value = decode(raw, limit=MAX_BODY)
    if not isinstance(value, list):
        raise refusal("wrong_type", expected="array")
    return _read_all(value)


def parse_any(raw: bytes) -> list[Event]:
    """One event or a batch, by what the JSON text is."""
    value = decode(raw, limit=MAX_BODY)
    return _read_all(value) if isinstance(value, list) else [parse_event(value)]


def named(raw: bytes, source: str) -> tuple[str, str] | None:
    """Source and id of an event of ``source`` that may be wrong otherwise; None: of none."""
    try:
        value = decode(raw, limit=MAX_BODY)
    except BadInput:
        return None
    if not isinstance(value, Mapping) or value.get("source") != source:
        return None
    event_id = value.get("id")
    return None if text_problem(event_id) else (source, str(event_id))


def _read_all(values: list[Any]) -> list[Event]:
    if len(values) > MAX_BATCH:
        raise refusal("too_many", limit=MAX_BATCH)
    events: list[Event] = []
    errors: list[FieldError] = []
    for index, value in enumerate(values):
        event, wrong = _read(value)
        if event is not None:
            events.append(event)
        errors += [FieldError(e.field, e.code, e.params, e.line, index) for e in wrong]
        if len(errors) > MAX_ERRORS:
            break
    if errors:
        raise _refused(errors)
    return events


def _read(value: Any) -> tuple[Event | None, list[FieldError]]:
    if not isinstance(value, Mapping):
        return None, [FieldError("body", "wrong_type", {"expected": "object"})]
    attributes, errors = read_attributes(value)
    kind = value.get("type")
    models = TYPES.get(kind, {}) if isinstance(kind, str) else {}
    version = attributes.version if attributes else max(models, default=0)
    if value.get("data") is None:
        return None, [*errors, FieldError("data", "missing")]
    if version not in models:  # nothing can be said about data of an unknown type
        return None, errors
    try:
        data = read_data(models[version], value["data"])
    except BadInput as problem:
        return None, [*errors, *problem.errors]
    if attributes is None:
        return None, errors
    errors = check(data, attributes.time)
    return (None, errors) if errors else _event(attributes, settle(data), value)


def _event(
    attributes: Attributes, data: Any, value: Mapping[str, Any]
) -> tuple[Event | None, list[FieldError]]:
    raw = canonical(dict(value))
    if len(raw) > MAX_EVENT:
        return None, [FieldError("body", "too_big", {"limit": MAX_EVENT})]
    return Event(
        source=attributes.source,
        id=attributes.id,
        type=attributes.type,
        version=attributes.version,
        time=attributes.time,
        data=data,
        supersedes=attributes.supersedes,
        digest=hashlib.sha256(raw).digest(),
        raw=raw,
    ), []


def _refused(errors: list[FieldError]) -> BadInput:
    if len(errors) <= MAX_ERRORS:
        return BadInput(errors)
    return BadInput([*errors[:MAX_ERRORS], FieldError("body", "more_errors")])
