"""``POST /v1/events``: events from billing, answered with yes once they are committed."""

from collections.abc import Sequence
from dataclasses import replace

import structlog
from fastapi import APIRouter, Request, Response

from notifier.intake.accept import Receipt
from notifier.model.access import Denied, Refusal
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import Event

from .callers import API, admitted, refused
from .problems import answer, bad_input, problem
from .requests import ACCEPTED, UnsupportedMediaType, media_type, read_body, read_events
from .services import Caller, Services

_log = structlog.get_logger()


def routes(services: Services) -> APIRouter:
    """The route for events."""
    router = APIRouter(prefix="/v1")

    @router.post("/events", status_code=202)
    async def post_events(request: Request) -> Response:
        """Accept one CloudEvent or a batch: all of it or nothing."""
        admission = await admitted(request, services)
        if isinstance(admission, Response):
            return admission
        language, caller = admission
        response = await _take(request, services, caller, language)
        _log.info(
            "api.events", key=caller.actor.name, status=response.status_code, test=caller.test
        )
        return response

    return router


async def _take(request: Request, services: Services, caller: Caller, language: str) -> Response:
    try:
        kind = media_type(request)
        events = read_events(kind, request.headers, await read_body(request))
    except UnsupportedMediaType as other:
        return _unsupported(other.error, language)
    except BadInput as wrong:
        return bad_input(wrong.errors, language)
    single = len(events) == 1 and kind != "application/cloudevents-batch+json"
    foreign = _foreign(events, caller.source, single=single)
    if foreign:
        why = Denied(Refusal.SOURCE_MISMATCH, caller.actor.name)
        await refused(request, services, API, why)
        return problem(403, "source_mismatch", language, errors=foreign)
    return await _accept(services, events, caller, language, single=single)


def _unsupported(error: FieldError, language: str) -> Response:
    headers = {"Accept-Post": ", ".join(ACCEPTED)}
    if error.field == "content-encoding":  # RFC 9110 15.5.16
        headers = {"Accept-Encoding": "identity"}
    return problem(415, "unsupported_media_type", language, errors=[error], headers=headers)


async def _accept(
    services: Services, events: Sequence[Event], caller: Caller, language: str, *, single: bool
) -> Response:
    try:
        receipts = await services.accept(events, caller) if events else ()
    except BadInput as wrong:
        errors = [replace(e, index=None) for e in wrong.errors] if single else wrong.errors
        return bad_input(errors, language)
    except Conflict as conflict:
        keys = [(event.source, event.id) for event in events]
        index = None if single else keys.index((conflict.source, conflict.event_id))
        error = FieldError("id", "conflict", {"value": conflict.event_id}, index=index)
        return problem(409, "conflict", language, errors=[error])
    test = {"test": True} if caller.test else {}
    return answer(202, {"events": [_receipt(receipt) for receipt in receipts], **test})


def _foreign(events: Sequence[Event], source: str, *, single: bool) -> list[FieldError]:
    return [
        FieldError("source", "source_mismatch", {"expected": source}, index=None if single else n)
        for n, event in enumerate(events)
        if event.source != source
    ]


def _receipt(receipt: Receipt) -> dict[str, object]:
    return {"source": receipt.source, "id": receipt.id, "event_id": receipt.event_id}
