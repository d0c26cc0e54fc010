"""``GET /v1/deliveries``: what became of messages, for those who poll."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from fastapi import APIRouter, Request, Response

from notifier.model.change import TOLD, Page
from notifier.model.errors import BadInput, FieldError
from notifier.model.states import State
from notifier.tell.feed import MOST, UnknownPosition

from .callers import caller_of, unauthorized
from .language import preferred
from .problems import answer, bad_input, problem
from .services import Services

_POSITION: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
_LONGEST: Final = 20  # seconds of waiting
_LOOK: Final = 0.5  # seconds between two looks while waiting
_LATEST: Final = "latest"


@dataclass(frozen=True, slots=True)
class _Query:
    """What a request asks for."""

    after: int | None  # None: from now on
    limit: int
    wait: int  # seconds
    states: tuple[State, ...]


def routes(services: Services) -> APIRouter:
    """The route for changes of state."""
    router = APIRouter(prefix="/v1")

    @router.get("/deliveries", openapi_extra=_OPENAPI)
    async def get_deliveries(request: Request) -> Response:
        """The next page of changes of state; ``next`` is the ``after`` of the one behind it."""
        language = preferred(request.headers.get("accept-language", ""))
        caller = await caller_of(request, services)
        if caller is None:
            return unauthorized(language)
        try:
            page = await _read(services, caller.source, _query(request.query_params))
        except BadInput as wrong:
            return bad_input(wrong.errors, language)
        except UnknownPosition:
            error = FieldError("after", "unknown_position")
            return problem(410, "unknown_position", language, errors=[error])
        told = {"deliveries": page.changes, "next": str(page.next), "more": page.more}
        return answer(200, told)

    return router


async def _read(services: Services, source: str, query: _Query) -> Page:
    """The page; an empty one at the end of the log only when the time to wait is over."""
    end, after = monotonic() + query.wait, query.after
    while True:
        page = await services.changes(source, after, limit=query.limit, states=query.states)
        if page.changes or (monotonic() >= end):
            return page
        after = page.next
        if not page.more:
            await asyncio.sleep(_LOOK)


def _query(given: Mapping[str, str]) -> _Query:
    errors = [FieldError(name[:60], "unknown_field") for name in given.keys() - _KNOWN]
    after, limit, wait = given.get("after", "0"), given.get("limit", "100"), given.get("wait", "0")
    if after != _LATEST and not _POSITION.fullmatch(after):
        errors.append(FieldError("after", "unknown_position"))
    for name, text, lowest, most in (("limit", limit, 1, MOST), ("wait", wait, 0, _LONGEST)):
        if not (_POSITION.fullmatch(text) and lowest <= int(text) <= most):
            errors.append(FieldError(name, "not_allowed", {"allowed": f"{lowest}–{most}"}))
    states = [s for s in given.get("state", "").split(",") if s]
    if set(states) - set(TOLD):
        errors.append(FieldError("state", "not_allowed", {"allowed": ", ".join(TOLD)}))
    if errors:
        raise BadInput(sorted(errors, key=lambda error: error.field))
    start = None if after == _LATEST else int(after)
    return _Query(start, int(limit), int(wait), tuple(State(s) for s in states))


_KNOWN: Final = frozenset({"after", "limit", "wait", "state"})
_OPENAPI: Final = {
    "security": [{"bearer": []}],
    "parameters": [
        {"name": name, "in": "query", "schema": schema}
        for name, schema in (
            ("after", {"type": "string", "default": "0"}),
            ("limit", {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100}),
            ("wait", {"type": "integer", "minimum": 0, "maximum": _LONGEST, "default": 0}),
            ("state", {"type": "string"}),
        )
    ],
}
