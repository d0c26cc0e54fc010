"""Schemas: events, answers and problems as components."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from pydantic import TypeAdapter

from notifier.api.request_ids import PATTERN
from notifier.app.decisions import OUTCOMES
from notifier.intake.envelope import MAX_BATCH
from notifier.intake.schemas import event_schema
from notifier.model.change import TOLD, Change
from notifier.model.outcome import EventOutcome, ToldDecision
from notifier.model.reasons import Reason
from notifier.model.states import Channel, State
from notifier.model.task import TaskKind
from notifier.rules.rules import TYPES

Schema = dict[str, Any]

_PLACE: Final = "#/components/schemas/"
_TEXT: Final[Schema] = {"type": "string"}
_MAYBE_TEXT: Final[Schema] = {"anyOf": [_TEXT, {"type": "null"}]}
#: Fields whose values are words of ours; new ones may be added.
_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "reason": tuple(Reason),
    "state": tuple(State),
    "before": tuple(State),
    "after": tuple(TOLD),
    "outcome": OUTCOMES,
    "channel": tuple(Channel),
}
#: Where answers have words for people beside codes.
_SPOKEN: Final[Mapping[str, tuple[str, ...]]] = {
    "EventOutcome": ("status",),
    "DecidedOutcome": ("outcome", "reason", "notice"),
    "CausedMessage": ("notice", "state", "reason"),
    "RaisedTask": ("kind",),
}


def ref(name: str) -> Schema:
    """A reference to a component."""
    return {"$ref": f"{_PLACE}{name}"}


def event_name(kind: str, version: int) -> str:
    """The component of a type's version."""
    return f"{kind}.v{version}"


@cache
def schemas() -> dict[str, Schema]:
    """All components, by name."""
    found: dict[str, Schema] = {}
    for kind, versions in TYPES.items():
        for version in versions:
            _hoist(found, event_name(kind, version), event_schema(kind, version))
    found["Event"] = _any_event()
    found["Batch"] = {"type": "array", "items": ref("Event"), "maxItems": MAX_BATCH}
    for model in (EventOutcome, ToldDecision, Change):
        _hoist(found, model.__name__, _of_answer(model))
    for name, spoken in _SPOKEN.items():
        _add_words(found[name], spoken)
    found["RejectedError"]["properties"]["detail"] = {**_TEXT, "description": "for people"}
    found["RejectedError"]["required"].append("detail")
    found["RaisedTask"]["properties"]["kind"]["examples"] = list(TaskKind)
    return found | _own()


def _any_event() -> Schema:
    names = {k: event_name(k, max(versions)) for k, versions in TYPES.items()}
    return {
        "description": "A CloudEvents 1.0 object in structured JSON; `type` says which one.",
        "oneOf": [ref(event_name(k, v)) for k, versions in TYPES.items() for v in versions],
        "discriminator": {
            "propertyName": "type",
            "mapping": {kind: f"{_PLACE}{name}" for kind, name in names.items()},
        },
    }


def _hoist(found: dict[str, Schema], name: str, schema: Schema) -> None:
    """Add a schema, what it defines for itself as components of their own."""
    schema = {k: v for k, v in schema.items() if k not in ("$schema", "$id")}
    for inner, definition in schema.pop("$defs", {}).items():
        moved = _moved(definition)
        if found.setdefault(inner, moved) != moved:
            raise ValueError(f"two schemas are called {inner}")
    found[name] = _moved(schema)


def _moved(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _place(v) if k == "$ref" else _moved(v) for k, v in value.items()}
    return [_moved(v) for v in value] if isinstance(value, list) else value


def _place(reference: str) -> str:
    return reference.replace("#/$defs/", _PLACE)


def _of_answer(model: type) -> Schema:
    """A value of ours as it is answered: all its fields are there, and described as they are."""
    schema = TypeAdapter(model).json_schema(mode="serialization")
    for one in (schema, *schema.get("$defs", {}).values()):
        for name, field in one.get("properties", {}).items():
            field.pop("title", None)
            field.pop("default", None)
            if name in _WORDS and "$ref" not in field:
                field["examples"] = list(_WORDS[name])
        if "properties" in one:
            one["required"] = [name for name in one["properties"] if name != "rendered"]
            one["description"] = re.sub("``([^`]*)``", r"`\1`", one.get("description", ""))
    return schema


def _add_words(schema: Schema, names: tuple[str, ...]) -> None:
    for name in names:
        maybe = "anyOf" in schema["properties"][name]
        text = {**(_MAYBE_TEXT if maybe else _TEXT), "description": "in the request's language"}
        schema["properties"][f"{name}_text"] = text
        schema["required"].append(f"{name}_text")


def _object(description: str, optional: tuple[str, ...] = (), **fields: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": fields,
        "required": [name for name in fields if name not in optional],
    }


def _page(name: str, item: str, position: str) -> Schema:
    fields: dict[str, Schema] = {
        name: {"type": "array", "items": ref(item)},
        "next": {"type": "string", "pattern": position, "description": "`after` of the next"},
        "more": {"type": "boolean", "description": "there are more by now: ask at once"},
    }
    return _object("A page of the feed.", (), **fields)


def _own() -> dict[str, Schema]:
    receipt = _object(
        "An event that is committed; the same for every repeat.",
        source=_TEXT,
        id=_TEXT,
        event_id={"type": "integer", "description": "our number of it"},
    )
    return {
        "Receipt": receipt,
        "Receipts": _object(
            "Receipts of all events, in their order.",
            optional=("test",),
            events={"type": "array", "items": ref("Receipt")},
            test={"const": True, "description": "the key is for tests: nothing became real"},
        ),
        "Deliveries": _page("deliveries", "Change", "^[0-9]+$"),
        "Decisions": _page("decisions", "ToldDecision", "^d[0-9]+$"),
        "Health": _object("It is well.", status={"enum": ["ok", "ready"]}),
        "Problem": _problem(),
        "FieldError": _field_error(),
    }


def _problem() -> Schema:
    return _object(
        "A problem document (RFC 9457) in the request's language.",
        optional=("detail", "errors"),
        type={**_TEXT, "pattern": "^urn:notifier:problem:[a-z0-9-]+$", "description": "stable"},
        title={**_TEXT, "description": "for people"},
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail={**_TEXT, "description": "the first of the errors, for people"},
        errors={"type": "array", "items": ref("FieldError"), "minItems": 1},
        request_id={**_TEXT, "pattern": f"^{PATTERN}$", "description": "as in `X-Request-Id`"},
    )


def _field_error() -> Schema:
    return _object(
        "One thing that is wrong.",
        optional=("params", "index"),
        field={**_TEXT, "description": "a path such as `data.amounts.total`, or a parameter"},
        code={**_TEXT, "description": "stable"},
        detail={**_TEXT, "description": "for people"},
        params={"type": "object", "description": "what the words are filled with"},
        index={"type": "integer", "minimum": 0, "description": "place in the batch"},
    )
