"""Events as they arrive: CloudEvents 1.0 in structured JSON, one or a batch."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from notifier.model.errors import BadInput, FieldError
from notifier.model.event import CLOCK_AHEAD, Event
from notifier.rules.rules import TYPES

from .agreement import check, settle
from .attributes import Attributes, read_attributes, text_problem
from .payload import read_data
from .strict_json import canonical, decode, refusal

MAX_BODY: Final = 4 * 1024 * 1024  # bytes of a batch
MAX_EVENT: Final = 256 * 1024  # bytes of one event in canonical form
MAX_BATCH: Final = 1000  # events
MAX_ERRORS: Final = 1000  # told at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as read: the events that are well formed, and what is wrong with the others."""

    events: tuple[Event, ...]
    places: tuple[int, ...]  # of each event in the batch as sent, from 0
    errors: tuple[FieldError, ...] = ()  # each with its place (``index``)
    #: Ids, member numbers and refund ids that events with errors would have made known.
    withheld: frozenset[str] = frozenset()


def parse_event(raw: bytes | Mapping[str, Any], now: datetime | None = None) -> Event:
    """One event from its JSON text or the decoded object.

    ``now`` (aware): an event from further ahead than clocks differ is refused for that. Without it
    the record does so. Raises :class:`BadInput` with everything that is wrong, by field.
    """
    value = decode(raw, limit=MAX_BODY) if isinstance(raw, bytes) else raw
    event, errors = _read(value, now)
    if event is None:
        raise refused(errors)
    return event


def parse_batch(raw: bytes, now: datetime | None = None) -> Batch:
    """The events of a JSON array, at most 1000, in their order, and what is wrong with the others.

    An empty array is an empty batch. Raises :class:`BadInput` where it is no such array.
    """
    value = decode(raw, limit=MAX_BODY)
    if not isinstance(value, list):
        raise refusal("wrong_type", expected="array")
    return _read_all(value, now)


def parse_any(raw: bytes, now: datetime | None = None) -> Batch:
    """One event or a batch, by what the JSON text is; a single one raises what is wrong."""
    value = decode(raw, limit=MAX_BODY)
    if isinstance(value, list):
        return _read_all(value, now)
    return Batch(events=(parse_event(value, now),), places=(0,))


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


def _read_all(values: list[Any], now: datetime | None) -> Batch:
    if len(values) > MAX_BATCH:
        raise refusal("too_many", limit=MAX_BATCH)
    events: list[Event] = []
    places: list[int] = []
    errors: list[FieldError] = []
    withheld: set[str] = set()
    for index, value in enumerate(values):
        event, wrong = _read(value, now)
        if event is not None:
            events.append(event)
            places.append(index)
            continue
        errors += [replace(e, index=index) for e in wrong]
        withheld |= _makes_known(value)
        if len(errors) > MAX_ERRORS:
            break
    return Batch(
        events=tuple(events),
        places=tuple(places),
        errors=tuple(errors),
        withheld=frozenset(withheld),
    )


def _makes_known(value: Any) -> set[str]:
    """What others of a batch may go by once this is on record."""
    if not isinstance(value, Mapping):
        return set()
    data, kind = value.get("data"), value.get("type")
    found = [value.get("id")]
    if isinstance(data, Mapping):
        found += [data.get("member_no")] if kind == "member.updated" else []
        found += [data.get("refund_id")] if kind == "billing.refund.decided" else []
    return {f for f in found if isinstance(f, str)}


def _read(value: Any, now: datetime | None) -> tuple[Event | None, list[FieldError]]:
    if not isinstance(value, Mapping):
        return None, [FieldError("body", "wrong_type", {"expected": "object"})]
    attributes, errors = read_attributes(value)
    if attributes and now and attributes.time > now + CLOCK_AHEAD:
        when = {"value": attributes.time.isoformat()}
        attributes, errors = None, [FieldError("time", "time_ahead", when)]
    kind = value.get("type")
    models = TYPES.get(kind, {}) if isinstance(kind, str) else {}
    version = attributes.version if attributes else max(models, default=0)
    if value.get("data") is None:
        return None, [*errors, FieldError("data", "missing")]
    if version not in models:  # nothing can be said about data of an unknown type
        return None, errors
    try:
        data, notes = read_data(models[version], value["data"])
    except BadInput as problem:
        return None, [*errors, *problem.errors]
    if attributes is None:
        return None, errors
    errors = check(data, attributes.time)
    return (None, errors) if errors else _event(attributes, settle(data), value, notes)


def _event(
    attributes: Attributes, data: Any, value: Mapping[str, Any], notes: list[FieldError]
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
        notes=(*attributes.notes, *notes),
    ), []


def refused(errors: Sequence[FieldError]) -> BadInput:
    """The refusal for a number of errors; so many are told, in the order of the batch."""
    ordered = sorted(errors, key=lambda e: e.index or 0)
    if len(ordered) <= MAX_ERRORS:
        return BadInput(ordered)
    return BadInput([*ordered[:MAX_ERRORS], FieldError("body", "more_errors")])
