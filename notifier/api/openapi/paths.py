"""Paths: every route with its parameters, bodies and answers."""

from typing import Any, Final

from notifier.api import feeds, requests
from notifier.api.queries import LONGEST, FeedForm
from notifier.api.request_ids import HEADER, PATTERN
from notifier.intake.attributes import MAX_TEXT
from notifier.returns import providers
from notifier.webhooks.feed import MOST

from . import examples
from .answers import empty_answer, json_answer, problems
from .schemas import ref

Operation = dict[str, Any]

_KEY: Final[list[dict[str, list[str]]]] = [{"bearer": []}]
_LANGUAGE: Final = {"$ref": "#/components/parameters/Accept-Language"}
_REQUEST_ID: Final = {"$ref": f"#/components/parameters/{HEADER}"}
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_SOURCE: Final = "The source of the key; another one is not found."


def paths() -> dict[str, dict[str, Operation]]:
    """Path → method → operation."""
    return {
        "/v1/events": {"post": _post_events(), "get": _get_event("query")},
        "/v1/events/{source}/{id}": {"get": _get_event("path")},
        "/v1/decisions": {"get": _get_decisions()},
        "/v1/deliveries": {"get": _get_deliveries()},
        "/v1/webhooks/{provider}": {"post": _post_webhook()},
        "/healthz": {"get": _get_health("healthz", "The process answers.", "ok")},
        "/readyz": {"get": _get_health("readyz", "Events can be accepted.", "ready")},
        "/openapi.json": {"get": _get_document()},
    }


def parameter_components() -> dict[str, Any]:
    """Headers that every request may have."""
    language = {"type": "string", "examples": ["ja", "en", "en;q=0.9, ja;q=0.8"]}
    return {
        "Accept-Language": {
            "name": "Accept-Language",
            "in": "header",
            "description": "Of words for people: Japanese, unless English is preferred.",
            "schema": language,
        },
        HEADER: {
            "name": HEADER,
            "in": "header",
            "description": "Your id of the request; without a lawful one we make one.",
            "schema": {"type": "string", "pattern": f"^{PATTERN}$"},
        },
    }


def _operation(name: str, summary: str, answers: Operation, **more: Any) -> Operation:
    parameters = [_LANGUAGE, _REQUEST_ID, *more.pop("parameters", ())]
    return {
        "operationId": name,
        "summary": summary,
        "parameters": parameters,
        "responses": answers,
        **more,
    }


def _post_events() -> Operation:
    accepted = json_answer(
        "Committed, with everything that follows from it.", "Receipts", examples.RECEIPTS
    )
    refused = problems(
        *(
            "unauthorized",
            "source_mismatch",
            "conflict",
            "too_big",
            "unsupported_media_type",
        ),
        "invalid",
    )
    return _operation(
        "postEvents",
        "Accept one event or a batch: all of it or nothing.",
        {"202": accepted, **refused},
        security=_KEY,
        parameters=_binary_headers(),
        requestBody={"required": True, "content": _event_bodies()},
    )


def _event_bodies() -> Operation:
    one = examples.events()
    named = {event["type"]: {"value": event} for event in one}
    batch = {"batch": {"value": list(one[:2])}}
    binary = {"binary": {"summary": "with `ce-` headers", "value": one[0]["data"]}}
    anything = {"anyOf": [ref("Event"), ref("Batch"), *_data_schemas()]}
    return {
        requests.SINGLE: {"schema": ref("Event"), "examples": named},
        requests.BATCH: {"schema": ref("Batch"), "examples": batch},
        requests.JSON: {"schema": anything, "examples": {**named, **batch, **binary}},
    }


def _data_schemas() -> list[Operation]:
    """In binary mode the body is the data alone."""
    return [
        {"$ref": f"#/components/schemas/{event['type']}.v1/properties/data"}
        for event in examples.events()
    ]


def _binary_headers() -> list[Operation]:
    """Attributes of the binary mode; ``ce-specversion`` is what makes it one."""
    described = {
        "specversion": "1.0; makes the body the data of one event, with `application/json`",
        "id": "with the source, the identity of the event",
        "source": "the source of the key",
        "type": "one of the types",
        "time": "RFC 3339",
        "dataschema": "ends in `/v1`",
        "supersedes": "id of the earlier event that this corrects",
    }
    return [
        {
            "name": f"ce-{name}",
            "in": "header",
            "description": f"Binary mode, percent-encoded: {text}.",
            "schema": _TEXT,
        }
        for name, text in described.items()
    ]


def _get_event(place: str) -> Operation:
    by_path = place == "path"
    told = json_answer("What became of it.", "EventOutcome", examples.outcome(), language=True)
    wrong = () if by_path else ("invalid",)
    return _operation(
        "getEventByPath" if by_path else "getEvent",
        "What became of one event" + (", both parts percent-encoded." if by_path else "."),
        {"200": told, **problems("unauthorized", "out_of_scope", "not_found", *wrong)},
        security=_KEY,
        parameters=[
            {"name": name, "in": place, "required": True, "description": text, "schema": _TEXT}
            for name, text in (("source", _SOURCE), ("id", "The id of the event."))
        ],
    )


def _get_decisions() -> Operation:
    told = json_answer("The next page.", "Decisions", examples.DECISIONS)
    return _feed("getDecisions", "What was decided about events.", told, feeds.DECISIONS)


def _get_deliveries() -> Operation:
    told = json_answer("The next page.", "Deliveries", examples.DELIVERIES)
    return _feed("getDeliveries", "What became of messages.", told, feeds.DELIVERIES)


def _feed(name: str, summary: str, told: Operation, form: FeedForm) -> Operation:
    some = "|".join(form.choices)
    described = {
        "after": {
            "type": "string",
            "pattern": f"^(latest|{form.prefix}(0|[1-9][0-9]*))$",
            "default": form.position(0),
            "description": "`next` of the page before; `latest`: only what comes",
        },
        "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100},
        "wait": {"type": "integer", "minimum": 0, "maximum": LONGEST, "default": 0},
        form.choice: {
            "type": "string",
            "pattern": f"^(({some})(,({some}))*)?$",
            "description": "only these, with commas between them",
        },
    }
    refused = problems("unauthorized", "test_key", "unknown_position", "invalid")
    return _operation(
        name,
        summary,
        {"200": told, **refused},
        security=_KEY,
        parameters=[{"name": n, "in": "query", "schema": s} for n, s in described.items()],
    )


def _post_webhook() -> Operation:
    body = {
        "description": "What the provider sends: its own format, read as that provider writes it.",
        "required": True,
        "content": {
            "application/json": {
                "schema": {"anyOf": [{"type": "object"}, {"type": "array"}]},
                "examples": {"sendgrid": {"value": [{"event": "delivered", "sg_event_id": "e1"}]}},
            }
        },
    }
    refused = problems("unauthorized", "forbidden", "not_found", "too_big", "invalid")
    return _operation(
        "postProviderEvents",
        "Take what a mail provider tells about mails handed to it.",
        {"204": empty_answer("On record, or nothing that we keep."), **refused},
        security=[{"basic": []}, {}],
        parameters=[
            {
                "name": "provider",
                "in": "path",
                "required": True,
                "schema": {"enum": list(providers.names())},
            }
        ],
        requestBody=body,
    )


def _get_health(name: str, summary: str, status: str) -> Operation:
    told = json_answer("It is so.", "Health", {"status": status})
    return _operation(name, summary, {"200": told, **problems()}, security=[])


def _get_document() -> Operation:
    told = {
        "description": "The OpenAPI document.",
        "headers": empty_answer("")["headers"],
        "content": {"application/json": {"schema": {"type": "object", "required": ["openapi"]}}},
    }
    return _operation("getDocument", "This document.", {"200": told, **problems()}, security=[])
