"""``GET /v1/deliveries``: what became of messages, for those who poll."""

from typing import Final

from fastapi import APIRouter, Request, Response

from notifier.model.access import Scope
from notifier.model.change import TOLD, Page
from notifier.model.states import State

from .feeds import serve_page
from .queries import FeedForm, FeedQuery
from .services import Services

FORM: Final = FeedForm("state", tuple(TOLD))


def routes(services: Services) -> APIRouter:
    """The route for changes of state."""
    router = APIRouter(prefix="/v1")

    async def read(source: str, after: int | None, query: FeedQuery) -> Page:
        states = [State(name) for name in query.only]
        return await services.changes(source, after, limit=query.limit, states=states)

    @router.get("/deliveries")
    async def get_deliveries(request: Request) -> Response:
        """The next page of changes of state; ``next`` is the ``after`` of the one behind it."""
        return await serve_page(
            request, services, Scope.DELIVERIES_READ, name="deliveries", form=FORM, read=read
        )

    return router
