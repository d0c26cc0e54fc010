"""Problem documents (RFC 9457) in the request's language."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from starlette.responses import Response

from notifier.model.errors import FieldError
from notifier.rendering.labels import label

from . import request_ids

_HEADERS: Final[Mapping[str, str]] = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
#: Errors of a whole body for which HTTP has a status of its own.
_STATUS: Final[Mapping[str, int]] = {"too_big": 413}


def answer(status: int, body: Any, *, language: str | None = None) -> Response:
    """A JSON answer; ``language``: that of the words in it, if there are any."""
    spoken = {**_HEADERS, "Content-Language": language} if language else {}
    return Response(
        orjson.dumps(body),
        status,
        {"Cache-Control": "no-store", **spoken},
        media_type="application/json",
    )


def problem(
    status: int,
    code: str,
    language: str,
    *,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
) -> Response:
    """A problem document; ``code`` is a key of the catalogue (``error.<code>``)."""
    body: dict[str, Any] = {
        "type": f"urn:notifier:problem:{code.replace('_', '-')}",
        "title": label(f"error.{code}", language, **(params or {})),
        "status": status,
    }
    if errors:
        told = told_all(errors, language)
        body |= {"detail": _summary(told[0]), "errors": told}
    if request_id := request_ids.current():
        body["request_id"] = request_id
    return Response(
        orjson.dumps(body),
        status,
        {**_HEADERS, "Content-Language": language, **(headers or {})},
        media_type="application/problem+json",
    )


def bad_input(errors: Sequence[FieldError], language: str) -> Response:
    """The answer to an input that was refused: 413 where it is too big as a whole, else 422."""
    first = errors[0]
    whole = len(errors) == 1 and first.field == "body" and first.index is None
    status = _STATUS.get(first.code, 422) if whole else 422
    code = first.code if status != 422 else "invalid"
    return problem(status, code, language, errors=errors, params=first.params)


def told_all(errors: Sequence[FieldError], language: str) -> list[dict[str, Any]]:
    """Errors as they stand in an answer."""
    return [_told(error, language) for error in errors]


def _told(error: FieldError, language: str) -> dict[str, Any]:
    text = label(f"error.{error.code}", language, **error.params)
    told: dict[str, Any] = {"field": error.field, "code": error.code, "detail": text}
    if error.params:
        told["params"] = dict(error.params)
    if error.index is not None:
        told["index"] = error.index
    return told


def _summary(told: Mapping[str, Any]) -> str:
    place = f"[{told['index']}] " if "index" in told else ""
    return f"{place}{told['field']}: {told['detail']}"
