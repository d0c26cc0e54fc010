"""Answers: what is documented of each, with examples made by what makes the answers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from notifier.api.language import LANGUAGES
from notifier.api.problems import bad_input, problem
from notifier.api.requests import ACCEPTED
from notifier.intake.envelope import MAX_BODY
from notifier.model.errors import FieldError

from .schemas import ref

Answer = dict[str, Any]

_REQUEST_ID: Final = "3f1c5e0a9b7d42c68a10e4f2b9d07c55"
_ALLOWED: Final = {"allowed": ", ".join(ACCEPTED)}

#: Problems: status, meaning, and what its example says is wrong.
_PROBLEMS: Final[Mapping[str, tuple[int, str, Sequence[FieldError]]]] = {
    "bad_request": (400, "No HTTP: the connection is closed.", ()),
    "unauthorized": (401, "No API key in force.", ()),
    "source_mismatch": (
        403,
        "An event of another source than the key's, or not what the key is good for.",
        [FieldError("source", "source_mismatch", {"expected": "billing.example.jp"})],
    ),
    "test_key": (403, "Not for keys for tests, or not what the key is good for.", ()),
    "out_of_scope": (403, "The key is not good for this.", ()),
    "forbidden": (403, "Not genuine.", ()),
    "not_found": (404, "Not on record, or not for this key.", ()),
    "method_not_allowed": (405, "Another method; `Allow` names those that do.", ()),
    "conflict": (
        409,
        "This id was recorded before with another content.",
        [FieldError("id", "conflict", {"value": "cf-20250716-0001"})],
    ),
    "unknown_position": (
        410,
        "`after` was never given: begin anew and compare.",
        [FieldError("after", "unknown_position")],
    ),
    "too_big": (
        413,
        f"More than {MAX_BODY:,} bytes.",
        [FieldError("body", "too_big", {"limit": MAX_BODY})],
    ),
    "unsupported_media_type": (
        415,
        "Another media type, character set or coding.",
        [FieldError("content-type", "accepted_types", _ALLOWED)],
    ),
    "invalid": (
        422,
        "Something in it is wrong; nothing was kept.",
        [FieldError("data.amounts.total", "wrong_type", {"expected": "integer"}, index=2)],
    ),
    "internal": (500, "A fault of ours; say the request's id when you ask.", ()),
    "unavailable": (503, "The record cannot be reached; nothing was kept. Send it again.", ()),
}
_HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "unauthorized": {"WWW-Authenticate": 'Bearer realm="notifier"'},
    "unsupported_media_type": {"Accept-Post": _ALLOWED["allowed"]},
    "method_not_allowed": {"Allow": "GET, POST"},
    "unavailable": {"Retry-After": "5"},
}
#: What every request may meet.
ALWAYS: Final = ("internal", "unavailable")
_NAMES: Final = ("X-Request-Id", "Content-Language")


def response_name(code: str) -> str:
    """The component of a problem: ``not_found`` → ``NotFound``."""
    return code.title().replace("_", "")


def problem_responses() -> dict[str, Answer]:
    """All problems as components."""
    return {response_name(code): _documented(code) for code in _PROBLEMS}


def problems(*codes: str) -> dict[str, Answer]:
    """The responses of an operation that may end in these problems: one for each status."""
    by_status: dict[str, list[str]] = {}
    for code in (*codes, *ALWAYS):
        by_status.setdefault(str(_PROBLEMS[code][0]), []).append(code)
    return {
        status: {"$ref": f"#/components/responses/{response_name(one[0])}"}
        if len(one) == 1
        else _together(one)
        for status, one in sorted(by_status.items())
    }


def json_answer(
    description: str, schema: str, example: object, *, language: bool = False
) -> Answer:
    """An answer in JSON."""
    return {
        "description": description,
        "headers": _headers(*_NAMES[: 1 + language]),
        "content": {"application/json": {"schema": ref(schema), "example": example}},
    }


def empty_answer(description: str) -> Answer:
    """An answer without a body."""
    return {"description": description, "headers": _headers("X-Request-Id")}


def header_components() -> dict[str, Answer]:
    """Headers of answers."""
    described = {
        "X-Request-Id": "The id of the request: yours if it was lawful, else one that we made.",
        "Content-Language": "`ja` or `en`.",
        "WWW-Authenticate": "How to prove who you are.",
        "Accept-Post": "The media types that are read.",
        "Allow": "The methods of this path.",
        "Retry-After": "Seconds.",
    }
    return {n: {"description": d, "schema": {"type": "string"}} for n, d in described.items()}


def _headers(*names: str) -> dict[str, Answer]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _documented(code: str) -> Answer:
    _, description, _ = _PROBLEMS[code]
    return _response(description, [code], _headers(*_NAMES, *_HEADERS.get(code, {})))


def _together(codes: Sequence[str]) -> Answer:
    return _response(" ".join(_PROBLEMS[code][1] for code in codes), codes, _headers(*_NAMES))


def _response(description: str, codes: Sequence[str], headers: dict[str, Answer]) -> Answer:
    examples = {
        f"{code}_{language}": {"value": _example(code, language)}
        for code in codes
        for language in LANGUAGES
    }
    content = {"application/problem+json": {"schema": ref("Problem"), "examples": examples}}
    return {"description": description, "headers": headers, "content": content}


def _example(code: str, language: str) -> Any:
    status, _, errors = _PROBLEMS[code]
    if code in ("invalid", "too_big"):
        made = bad_input(errors, language)
    else:
        made = problem(status, code, language, errors=errors)
    return {**orjson.loads(made.body), "request_id": _REQUEST_ID}
