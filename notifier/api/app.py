"""The HTTP application."""

from typing import Final

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.logs import get_logger
from notifier.model.http import Http
from notifier.store.failures import passes

from . import decisions, deliveries, events, health, outcomes, providers, request_ids
from .language import preferred
from .limits import Limits
from .problems import problem
from .services import Services, Unavailable

_log = get_logger(__name__)
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CODES: Final = {404: "not_found", 405: "method_not_allowed"}


def create_app(services: Services, limits: Http | None = None) -> FastAPI:
    """The application over the house's services. Pages that load scripts are left out.

    Nothing is redirected: where to would be read from the request's ``Host``, which is anybody's.
    """
    app = FastAPI(
        title="notifier", openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.include_router(events.routes(services))
    app.include_router(outcomes.routes(services))
    app.include_router(decisions.routes(services))
    app.include_router(deliveries.routes(services))
    app.include_router(providers.routes(services))
    app.include_router(health.routes(services))
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_middleware(Limits, given=limits or Http())
    app.add_middleware(_Edge)
    return app


async def _http_problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = {"Allow": _allowed(request)} if status == 405 else getattr(error, "headers", None)
    return problem(status, _CODES.get(status, "invalid"), _language(request), headers=headers)


def _allowed(request: Request) -> str:
    """The methods of all routes of this path; the framework names those of the first only."""
    routes = request.app.routes
    scopes = ((method, {**request.scope, "method": method}) for method in _METHODS)
    return ", ".join(
        method for method, s in scopes if any(r.matches(s)[0] is Match.FULL for r in routes)
    )


def _language(request: Request) -> str:
    return preferred(request.headers.get("accept-language", ""))


class _Edge:
    """The outermost layer: no error leaves with its text, for that may quote a member."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_ids.chosen(scope["headers"])
        with request_ids.during(request_id):
            await self._answer(scope, receive, send, request_id)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(_hardened(message, request_id))

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            _log.info("api.disconnected")
        except Exception as error:  # noqa: BLE001 (the edge answers for everything inside)
            response = _failure(Request(scope), error)
            if not started:
                await response(scope, receive, watched)


def _failure(request: Request, error: Exception) -> Response:
    away = isinstance(error, Unavailable) or passes(error)
    _log.error("api.failed", kind=type(error).__name__, path=request.url.path, away=away)
    if away:
        return problem(503, "unavailable", _language(request), headers={"Retry-After": "5"})
    return problem(500, "internal", _language(request))


def _hardened(message: Message, request_id: str) -> Message:
    if message["type"] == "http.response.start":
        more = (
            (b"x-content-type-options", b"nosniff"),
            (request_ids.HEADER.lower().encode(), request_id.encode()),
        )
        return {**message, "headers": [*message.get("headers", ()), *more]}
    return message
