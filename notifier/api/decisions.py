"""``GET /v1/decisions``: what was decided about events, for those who poll."""

from typing import Final

from fastapi import APIRouter, Request, Response

from notifier.app.decisions import OUTCOMES
from notifier.model.access import Scope
from notifier.model.outcome import DecisionPage

from .feeds import serve_page
from .queries import FeedForm, FeedQuery
from .services import Services

FORM: Final = FeedForm("outcome", OUTCOMES, prefix="d")


def routes(services: Services) -> APIRouter:
    """The route for decisions."""
    router = APIRouter(prefix="/v1")

    async def read(source: str, after: int | None, query: FeedQuery) -> DecisionPage:
        return await services.decisions(source, after, limit=query.limit, only=query.only)

    @router.get("/decisions")
    async def get_decisions(request: Request) -> Response:
        """The next page of decisions; ``next`` is the ``after`` of the one behind it."""
        return await serve_page(
            request, services, Scope.EVENTS_READ, name="decisions", form=FORM, read=read
        )

    return router
