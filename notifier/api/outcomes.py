"""``GET /v1/events``: what became of one event."""

from dataclasses import asdict
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from fastapi import APIRouter, Request, Response
from starlette.convertors import Convertor, register_url_convertor

from notifier.intake.attributes import MAX_TEXT, text_problem
from notifier.model.access import Denied, Refusal, Scope
from notifier.model.errors import BadInput, FieldError
from notifier.model.outcome import EventOutcome
from notifier.rendering.labels import label

from .callers import API, admitted, refused
from .problems import answer, bad_input, problem
from .queries import single_values
from .services import Caller, Services

_PREFIX: Final = b"/v1/events/"


class _TwoSegments(Convertor[str]):
    """A source and an id. Both may hold slashes, which the path shows decoded."""

    regex = ".+/.+"

    def convert(self, value: str) -> str:
        """The path as it was decoded; it is read again from what was sent."""
        return value

    def to_string(self, value: str) -> str:
        """The same."""
        return value


register_url_convertor("source_and_id", _TwoSegments())


def routes(services: Services) -> APIRouter:
    """The two forms of the question."""
    router = APIRouter(prefix="/v1")

    @router.get("/events")
    async def get_event(request: Request) -> Response:
        """What became of the event with this ``source`` and ``id``."""
        admission = await admitted(request, services, Scope.EVENTS_READ)
        if isinstance(admission, Response):
            return admission
        language, caller = admission
        try:
            source, event_id = _from_query(request)
        except BadInput as wrong:
            return bad_input(wrong.errors, language)
        return await _outcome(request, services, caller, (source, event_id), language)

    @router.get("/events/{key:source_and_id}")
    async def get_event_by_path(request: Request) -> Response:
        """The same with both as segments of the path, percent-encoded."""
        admission = await admitted(request, services, Scope.EVENTS_READ)
        if isinstance(admission, Response):
            return admission
        language, caller = admission
        found = _from_path(request.scope.get("raw_path") or b"")
        if found is None:
            return problem(404, "not_found", language)
        return await _outcome(request, services, caller, found, language)

    return router


async def _outcome(
    request: Request, services: Services, caller: Caller, key: tuple[str, str], language: str
) -> Response:
    source, event_id = key
    if source != caller.source:
        # A key learns nothing of other sources, not even that there is something to know.
        why = Denied(Refusal.SOURCE_MISMATCH, caller.actor.name)
        await refused(request, services, API, why)
        return problem(404, "not_found", language)
    found = await services.outcome(caller, event_id)
    if found is None:
        return problem(404, "not_found", language)
    return answer(200, shown(found, language), language=language)


def _from_query(request: Request) -> tuple[str, str]:
    given = single_values(request.query_params, ("source", "id"))
    errors = []
    for name in ("source", "id"):
        if name not in given:
            errors.append(FieldError(name, "missing"))
        elif code := text_problem(given[name]):
            errors.append(FieldError(name, code, {"limit": MAX_TEXT} if code == "too_long" else {}))
    if errors:
        raise BadInput(errors)
    return given["source"], given["id"]


def _from_path(raw: bytes) -> tuple[str, str] | None:
    segments = raw.removeprefix(_PREFIX).split(b"/")
    if not raw.startswith(_PREFIX) or len(segments) != 2:
        return None
    try:
        source, event_id = (unquote_to_bytes(s).decode("utf-8") for s in segments)
    except UnicodeDecodeError:
        return None
    return None if text_problem(source) or text_problem(event_id) else (source, event_id)


def shown(outcome: EventOutcome, language: str) -> dict[str, Any]:
    """An outcome as JSON: its codes with their words in a language beside them."""
    body = asdict(outcome)
    body["status_text"] = label(f"event_status.{outcome.status}", language)
    for decision in body["decisions"]:
        _add_words(decision, language, "outcome", "reason", "notice")
    for message in body["messages"]:
        _add_words(message, language, "notice", "state", "reason")
        if message["rendered"] is None:
            del message["rendered"]
    for task in body["tasks"]:
        task["kind_text"] = label(f"task.{task['kind']}", language)
    for entry in body["rejected"]:
        for error in entry["errors"]:
            error["detail"] = label(f"error.{error['code']}", language, **error["params"])
    return body


def _add_words(item: dict[str, Any], language: str, *names: str) -> None:
    for name in names:
        code = item[name]
        item[f"{name}_text"] = None if code is None else label(f"{name}.{code}", language)
