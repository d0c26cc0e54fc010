"""``POST /v1/events``: events from billing, answered with yes once they are committed."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from notifier.app.event_intake import Receipt
from notifier.intake.envelope import Batch
from notifier.logs import get_logger
from notifier.model.access import Denied, Refusal, Scope
from notifier.model.errors import BadInput, Conflict, FieldError
from notifier.model.event import MEMBERS, Event

from .callers import API, admitted, out_of_scope, refused
from .problems import answer, bad_input, problem, told_all
from .requests import ACCEPTED, BATCH, UnsupportedMediaType, media_type, parsed, read_body
from .services import Caller, Services

_log = get_logger(__name__)


def routes(services: Services) -> APIRouter:
    """The route for events."""
    router = APIRouter(prefix="/v1")

    @router.post("/events", status_code=202)
    async def post_events(request: Request) -> Response:
        """Accept one CloudEvent or a batch: all of it or nothing."""
        admission = await admitted(request, services, Scope.EVENTS_WRITE)
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
        body = await read_body(request)
        batch = await parsed(kind, request.headers, body, services.now())
    except UnsupportedMediaType as other:
        return _unsupported(other.error, language)
    except BadInput as wrong:
        return bad_input(wrong.errors, language)
    single = kind != BATCH and len(batch.events) == 1 and not batch.errors
    foreign = _foreign(batch, caller.source)
    if foreign:
        why = Denied(Refusal.SOURCE_MISMATCH, caller.actor.name)
        await refused(request, services, API, why)
    if batch.errors:
        own = _without(batch, foreign)
        return bad_input(await services.faults(own, caller.actor), language)
    if foreign:
        return problem(403, "source_mismatch", language, errors=_told(foreign, single=single))
    if any(event.type.startswith(MEMBERS) for event in batch.events):
        outside = await out_of_scope(request, services, caller, Scope.MEMBERS_WRITE, language)
        if outside:
            return outside
    return await _accept(services, batch.events, caller, language, single=single)


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
        return bad_input(_told(wrong.errors, single=single), language)
    except Conflict as conflict:
        return problem(409, "conflict", language, errors=_told(conflict.errors, single=single))
    test = {"test": True} if caller.test else {}
    return answer(202, {"events": [_receipt(r, language) for r in receipts], **test})


def _told(errors: Sequence[FieldError], *, single: bool) -> Sequence[FieldError]:
    """A single event has no place in a batch."""
    return [replace(e, index=None) for e in errors] if single else errors


def _foreign(batch: Batch, source: str) -> list[FieldError]:
    return [
        FieldError("source", "source_mismatch", {"expected": source}, index=place)
        for place, event in zip(batch.places, batch.events, strict=True)
        if event.source != source
    ]


def _without(batch: Batch, foreign: Sequence[FieldError]) -> Batch:
    """The batch with its foreign events as errors: they are not held against the record."""
    gone = {error.index for error in foreign}
    kept = [n for n, place in enumerate(batch.places) if place not in gone]
    return replace(
        batch,
        events=tuple(batch.events[n] for n in kept),
        places=tuple(batch.places[n] for n in kept),
        errors=(*batch.errors, *foreign),
    )


def _receipt(receipt: Receipt, language: str) -> dict[str, object]:
    known = {"source": receipt.source, "id": receipt.id, "event_id": receipt.event_id}
    return {**known, **({"warnings": told_all(receipt.notes, language)} if receipt.notes else {})}
